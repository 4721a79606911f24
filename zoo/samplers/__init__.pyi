from .files import load
from .fitting import SAMPLERS, fit
from .sampler import Sampler

__all__ = ["SAMPLERS", "Sampler", "fit", "load"]
