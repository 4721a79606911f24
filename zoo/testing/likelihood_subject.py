"""A likelihood under test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import UnknownNameError
from zoo.registry import catalogue
from zoo.registry.messages import explain_unknown
from zoo.testing.preparation import Prepares, prepared
from zoo.testing.rule import CheckFailure, CheckSkipped
from zoo.testing.shapes import real_images

if TYPE_CHECKING:
    from zoo.likelihoods.likelihood import Likelihood
    from zoo.registry.record import PluginRecord

SUPPORTS = ("binary", "unit", "bytes", "real", None)
COUNT = 6


class LikelihoodSubject(Prepares):
    """A likelihood under test.

    Args:
        name: a name from ``zoo.list_likelihoods()``, which may come from ``plugin``.
        plugin: a file or a module to load first.

    Raises:
        UnknownNameError: no such name.
    """

    def __init__(self, name: str, plugin: str | None = None) -> None:
        super().__init__()
        if plugin is not None:
            catalogue.load_plugin(plugin)
        known = catalogue.list_likelihoods()
        if name not in known:
            text = explain_unknown(
                name, "likelihood", dict.fromkeys(known), "zoo list --likelihoods", catalogue.list_plugins()
            )
            raise UnknownNameError(text)
        self.name, self.plugin = name, plugin

    @property
    def origin(self) -> PluginRecord | None:
        """The plugin that provides it; None for one of the zoo's own."""
        spec = catalogue.plugin_likelihoods().get(self.name)
        return None if spec is None else spec.plugin

    @prepared
    def make(self) -> Likelihood:
        """The likelihood, or the error that making it raises."""
        from zoo import likelihoods

        return likelihoods.get(self.name)

    @property
    def likelihood(self) -> Likelihood:
        """The likelihood, for checks of something else than that it can be made."""
        try:
            found = self.make
            if found.support not in SUPPORTS:
                raise CheckFailure(f"support is {found.support!r}")
            self.output_channels(1)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise CheckSkipped("it cannot be tried: see check_likelihood_can_be_made") from error
        return found

    @property
    def density(self) -> Likelihood:
        """The same; a check of probabilities is skipped for a loss that is none."""
        found = self.likelihood
        if found.support is None:
            raise CheckSkipped("its support is None: it is a loss, not a likelihood")
        return found

    @prepared
    def is_sound(self) -> bool:
        """Whether ``log_prob`` returns finite numbers, one for each image."""
        images = self.images(1)
        found = self.log_prob(images, self.parameters(images.shape[:3], 1))
        return found.shape == (len(images),) and bool(np.isfinite(found).all())

    def skip_unless_sound(self) -> None:
        """Skip a check of something else than that."""
        try:
            sound = self.is_sound
        except CheckSkipped:
            raise
        except KeyboardInterrupt:
            raise
        except BaseException:
            sound = False
        if not sound:
            raise CheckSkipped("it cannot be tried: see check_log_prob_is_one_number_per_image")

    def output_channels(self, channels: int) -> int:
        """Return how many channels the decoder must output; ``CheckFailure`` unless it is a whole number."""
        count = self.make.output_channels(channels)
        if not isinstance(count, int | np.integer) or isinstance(count, bool) or count < 1:
            raise CheckFailure(f"output_channels({channels}) returns {count!r}: expected a whole number of at least 1")
        return int(count)

    def images(self, channels: int) -> np.ndarray:
        """Return images of its support as float32 ``(6, 8, 8, channels)`` in [0, 1]."""
        images = real_images((8, 8, channels), COUNT).astype("float32") / 255
        return (images > 0.5).astype("float32") if self.likelihood.support == "binary" else images

    def parameters(self, shape: tuple[int, ...], channels: int, spread: float = 1.0) -> np.ndarray:
        """Return random raw parameters for images of a shape ``(n, H, W)`` and a number of channels, float32."""
        self.likelihood  # noqa: B018 - skips the check if it cannot be made
        random = np.random.default_rng(0)
        return (spread * random.standard_normal((*shape, self.output_channels(channels)))).astype("float32")

    def log_prob(self, images: Any, parameters: Any) -> np.ndarray:
        """Return ``log_prob`` as an array."""
        from keras import ops

        return np.asarray(ops.convert_to_numpy(self.likelihood.log_prob(images, ops.convert_to_tensor(parameters))))
