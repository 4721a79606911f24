"""The table of the zoo's likelihoods p(x given z), and ``get``, which looks them up by name."""

from __future__ import annotations

from typing import Any

import keras

from zoo.errors import UnknownNameError
from zoo.likelihoods.bernoulli import Bernoulli
from zoo.likelihoods.discretized import DiscretizedGaussian, DiscretizedLogistic
from zoo.likelihoods.gaussian import Gaussian
from zoo.likelihoods.likelihood import LIKELIHOODS, Likelihood, make_likelihood
from zoo.likelihoods.logistic_mixture import LogisticMixture
from zoo.likelihoods.pixel_loss import PixelLoss
from zoo.registry import catalogue
from zoo.registry.messages import explain_unknown

LIKELIHOODS.update(
    bernoulli=Bernoulli,
    discretized_gaussian=DiscretizedGaussian,
    discretized_logistic=DiscretizedLogistic,
    gaussian=Gaussian,
    logistic_mixture=LogisticMixture,
)


def get(identifier: Any) -> Likelihood:
    """Return a likelihood.

    Args:
        identifier: a likelihood, its name (``logistic_mixture:5`` has 5 components), or a plain Keras loss (or its
            name), which is wrapped in ``PixelLoss``.

    Returns:
        The likelihood.

    Raises:
        UnknownNameError: neither a likelihood nor a Keras loss has the name.
        PluginLoadError: the likelihood is a plugin's, and cannot be made.
        TypeError: neither a name, a likelihood nor a loss.
        ValueError: a Keras loss works on logits or does not compare values elementwise, or the number of components is
            not valid.
    """
    if isinstance(identifier, Likelihood):
        return identifier
    name, colon, option = identifier.partition(":") if isinstance(identifier, str) else ("", "", "")
    if name in LIKELIHOODS:
        return LogisticMixture(_components(identifier, option)) if colon else LIKELIHOODS[name]()
    if isinstance(identifier, str):
        found = catalogue.plugin_likelihoods()
        if name in found:
            if colon:
                raise ValueError(f"likelihood {identifier!r}: {name} has no components: expected {name!r}")
            return make_likelihood(found[name])
        try:
            keras.losses.get(identifier)
        except ValueError:
            known = {**dict.fromkeys(LIKELIHOODS), **found}
            text = explain_unknown(
                identifier, "likelihood", known, "zoo list --likelihoods", catalogue.list_plugins(), cutoff=0.4
            )
            raise UnknownNameError(f"{text} (or a Keras loss, such as 'mse')") from None
    elif not callable(identifier):
        raise TypeError(f"likelihood is {identifier!r}: expected a name, a zoo likelihood or a Keras loss")
    return PixelLoss(identifier)


def _components(identifier: str, option: str) -> int:
    name = identifier.partition(":")[0]
    if LIKELIHOODS[name] is not LogisticMixture:
        raise ValueError(f"likelihood {identifier!r}: {name} has no components: expected {name!r}")
    if not option.isdecimal() or int(option) < 1:
        raise ValueError(f"likelihood {identifier!r}: expected a whole number of components, such as '{name}:5'")
    return int(option)
