"""A metric under test."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.errors import UnknownNameError
from zoo.registry import catalogue
from zoo.registry.messages import explain_unknown
from zoo.registry.scoring_specs import Metric
from zoo.testing.preparation import Prepares, prepared
from zoo.testing.shapes import GREY, real_images

COUNT = 16


class MetricSubject(Prepares):
    """A metric under test.

    Args:
        name: the name of a metric, which may come from ``plugin``.
        plugin: a file or a module to load first.

    Raises:
        UnknownNameError: no such name.
    """

    def __init__(self, name: str, plugin: str | None = None) -> None:
        super().__init__()
        if plugin is not None:
            catalogue.load_plugin(plugin)
        known = catalogue.metrics()
        if name not in known:
            raise UnknownNameError(
                explain_unknown(name, "metric", known, "zoo list --metrics", catalogue.list_plugins())
            )
        self.name = name
        self.metric: Metric = known[name]

    @prepared
    def model(self) -> Any:
        """A small model that a metric may be of."""
        from zoo.factory.create import create_model

        return create_model("small_cnn", image_shape=GREY, seed=0, filters=[4, 8], latent_dim=4)

    def score(self, *, same: bool = False) -> float | None:
        """Return the score of real images; ``same``: reconstructed exactly. None with a warning where it fails."""
        from zoo.evaluation.metrics import PluginScores

        images = real_images(GREY, COUNT).astype("float32") / 255
        reconstructions = images if same else (0.5 * images + 0.25).astype("float32")
        scores = PluginScores([self.metric], self.model)
        scores.add(images, np.array(reconstructions))
        found: float | None = scores.result(())[self.name]
        return found
