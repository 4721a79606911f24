"""The zoo's likelihoods p(x given z), and ``get``, which looks them up by name."""

from zoo.startup import start_keras

start_keras()  # Before the modules that import it.

from zoo.likelihoods.bernoulli import Bernoulli
from zoo.likelihoods.discretized import DiscretizedGaussian, DiscretizedLogistic
from zoo.likelihoods.gaussian import Gaussian
from zoo.likelihoods.likelihood import LIKELIHOODS, Likelihood
from zoo.likelihoods.logistic_mixture import LogisticMixture
from zoo.likelihoods.lookup import get
from zoo.likelihoods.pixel_loss import PixelLoss

__all__ = [
    "LIKELIHOODS",
    "Bernoulli",
    "DiscretizedGaussian",
    "DiscretizedLogistic",
    "Gaussian",
    "Likelihood",
    "LogisticMixture",
    "PixelLoss",
    "get",
]
