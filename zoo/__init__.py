"""A model zoo of variational autoencoders for image reconstruction, on Keras 3 and TensorFlow.

Names are resolved on first use, so that ``import zoo`` does not import Keras.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from zoo import data, errors, layers, likelihoods, models, plugins, schedules, testing
    from zoo.autoencoder import AutoEncoder
    from zoo.benchmarking import Leaderboard, benchmark
    from zoo.data.dataset import Dataset, Split
    from zoo.data.folder import load_images
    from zoo.data.load import load_dataset
    from zoo.discovery import PluginRecord
    from zoo.evaluation import compare, evaluate
    from zoo.factory import create_model
    from zoo.hookspecs import hookimpl
    from zoo.plots import (
        plot_history,
        plot_interpolation,
        plot_latent_space,
        plot_reconstructions,
        plot_samples,
    )
    from zoo.recipe import Recipe
    from zoo.registration import register
    from zoo.registry import get_model_info, list_datasets, list_models, list_plugins, refresh
    from zoo.saving import load_model
    from zoo.specs import Architecture, DatasetSpec
    from zoo.training import Run, resume, train

_HOMES = {
    "zoo.autoencoder": ("AutoEncoder",),
    "zoo.benchmarking": ("Leaderboard", "benchmark"),
    "zoo.data.dataset": ("Dataset", "Split"),
    "zoo.data.folder": ("load_images",),
    "zoo.data.load": ("load_dataset",),
    "zoo.discovery": ("PluginRecord",),
    "zoo.evaluation": ("compare", "evaluate"),
    "zoo.factory": ("create_model",),
    "zoo.hookspecs": ("hookimpl",),
    "zoo.plots": (
        "plot_history",
        "plot_interpolation",
        "plot_latent_space",
        "plot_reconstructions",
        "plot_samples",
    ),
    "zoo.recipe": ("Recipe",),
    "zoo.registration": ("register",),
    "zoo.registry": ("get_model_info", "list_datasets", "list_models", "list_plugins", "refresh"),
    "zoo.saving": ("load_model",),
    "zoo.specs": ("Architecture", "DatasetSpec"),
    "zoo.training": ("Run", "resume", "train"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = ("data", "errors", "layers", "likelihoods", "models", "plugins", "schedules", "testing")

# Written out, so that type checkers see that these names are public.
__all__ = [
    "Architecture",
    "AutoEncoder",
    "Dataset",
    "DatasetSpec",
    "Leaderboard",
    "PluginRecord",
    "Recipe",
    "Run",
    "Split",
    "benchmark",
    "compare",
    "create_model",
    "data",
    "errors",
    "evaluate",
    "get_model_info",
    "hookimpl",
    "layers",
    "likelihoods",
    "list_datasets",
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
    "schedules",
    "testing",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        found = getattr(importlib.import_module(_HOME_OF[name]), name)
    elif name in _MODULES:
        found = importlib.import_module(f"zoo.{name}")
    else:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
