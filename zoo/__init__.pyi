from . import data, errors, layers, likelihoods, models, plugins, samplers, schedules, testing
from .autoencoder.hierarchical import HierarchicalAutoEncoder
from .autoencoder.kinds.conditional import ConditionalAutoEncoder
from .autoencoder.kinds.quantized import QuantizedAutoEncoder
from .autoencoder.model import AutoEncoder
from .benchmarking.grid import benchmark
from .benchmarking.leaderboard import Leaderboard
from .benchmarking.search.result import Search
from .benchmarking.search.run import search
from .compression.compress import Compressed, compress
from .compression.decompress import decompress
from .data.dataset import Dataset, Split
from .data.folder import load_images
from .data.load import load_dataset
from .evaluation.auroc import Auroc, auroc
from .evaluation.comparison import compare
from .evaluation.outliers import anomaly_scores
from .evaluation.samples.scores import sample_scores
from .evaluation.scores import evaluate
from .explorer.write import explore
from .exporting.export import export
from .factory.create import create_model
from .plots import plot_history, plot_interpolation, plot_latent_space, plot_reconstructions, plot_samples
from .registry.catalogue import list_datasets, list_likelihoods, list_models, list_plugins, refresh
from .registry.executor_specs import ExecutorSpec
from .registry.hookspecs import hookimpl
from .registry.model_info import get_model_info
from .registry.recipe import Recipe
from .registry.record import PluginRecord
from .registry.register import register
from .registry.scoring_specs import LikelihoodSpec, Metric
from .registry.specs import Architecture, DatasetSpec
from .runs.run import Run
from .saving.load import load_model
from .training.resuming import resume
from .training.session import train
from .version import __version__

__all__ = [
    "Architecture",
    "Auroc",
    "AutoEncoder",
    "Compressed",
    "ConditionalAutoEncoder",
    "Dataset",
    "DatasetSpec",
    "ExecutorSpec",
    "HierarchicalAutoEncoder",
    "Leaderboard",
    "LikelihoodSpec",
    "Metric",
    "PluginRecord",
    "QuantizedAutoEncoder",
    "Recipe",
    "Run",
    "Search",
    "Split",
    "__version__",
    "anomaly_scores",
    "auroc",
    "benchmark",
    "compare",
    "compress",
    "create_model",
    "data",
    "decompress",
    "errors",
    "evaluate",
    "explore",
    "export",
    "get_model_info",
    "hookimpl",
    "layers",
    "likelihoods",
    "list_datasets",
    "list_likelihoods",
    "list_models",
    "list_plugins",
    "load_dataset",
    "load_images",
    "load_model",
    "models",
    "plot_history",
    "plot_interpolation",
    "plot_latent_space",
    "plot_reconstructions",
    "plot_samples",
    "plugins",
    "refresh",
    "register",
    "resume",
    "sample_scores",
    "samplers",
    "schedules",
    "search",
    "testing",
    "train",
]
