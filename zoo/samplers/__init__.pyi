from .code_prior import CodePrior
from .files import load
from .fitting import SAMPLERS, fit
from .flow import MaskedAutoregressiveFlow
from .gaussian_mixture import GaussianMixture
from .prior import Prior
from .sampler import Sampler
from .two_stage import TwoStage

__all__ = [
    "SAMPLERS",
    "CodePrior",
    "GaussianMixture",
    "MaskedAutoregressiveFlow",
    "Prior",
    "Sampler",
    "TwoStage",
    "fit",
    "load",
]
