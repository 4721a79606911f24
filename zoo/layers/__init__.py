"""Layers for plugin authors."""

from zoo.startup import start_keras

start_keras()  # Before the modules that import it.

from zoo.layers.batch_normalization import BatchNormalization
from zoo.layers.finite_scalar_quantizer import FiniteScalarQuantizer
from zoo.layers.gaussian_head import LOG_VARIANCE_BOUND, GaussianHead
from zoo.layers.latent_group import LatentGroup, bounded_deviation
from zoo.layers.learned_map import LearnedMap
from zoo.layers.quantizer import Quantizer
from zoo.layers.upsampling import UpsampleConv2D, UpsampleTo, halved_sizes

__all__ = [
    "LOG_VARIANCE_BOUND",
    "BatchNormalization",
    "FiniteScalarQuantizer",
    "GaussianHead",
    "LatentGroup",
    "LearnedMap",
    "Quantizer",
    "UpsampleConv2D",
    "UpsampleTo",
    "bounded_deviation",
    "halved_sizes",
]
