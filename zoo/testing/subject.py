"""What is under test: an architecture by its name, and the models that several checks share."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import registry

if TYPE_CHECKING:
    from zoo.autoencoder import AutoEncoder
    from zoo.specs import Architecture

GREY, COLOUR, ODD = (28, 28, 1), (32, 32, 3), (31, 17, 2)
LIKELIHOOD = "discretized_logistic"
BATCH = 32
STEPS = 24
RATE = 1e-3


class Subject:
    """An architecture under test.

    Args:
        name: a name that ``zoo.list_models()`` gives, or will give once ``plugin`` is loaded.
        plugin: a file or a module to load first, as ``zoo check --plugin`` takes it.

    Raises:
        UnknownNameError: no such name.
        PluginLoadError: the plugin cannot be loaded.
    """

    def __init__(self, name: str, plugin: str | None = None) -> None:
        if plugin is not None:
            registry.load_plugin(plugin)
        self.name, self.plugin = name, plugin
        self.architecture: Architecture = registry.architecture(name)
        self.build_seconds: float | None = None
        self.import_seconds: float | None = None

    def create(self, image_shape: tuple[int, int, int] = GREY, *, seed: int = 0, **options: Any) -> AutoEncoder:
        """Build a model for images of a shape, with the architecture's defaults but for ``options``."""
        import zoo

        return zoo.create_model(self.name, image_shape=image_shape, likelihood=LIKELIHOOD, seed=seed, **options)

    def images(self, image_shape: tuple[int, int, int] = GREY, count: int = BATCH) -> np.ndarray:
        """Give images, uint8 ``(count, H, W, C)``: real ones where there are some of this shape."""
        import zoo

        for dataset, shape in (("mnist_sample", GREY), ("cifar10_sample", COLOUR)):
            if image_shape == shape:
                return np.array(zoo.load_dataset(dataset, limit=count).train.images)
        return np.random.default_rng(0).integers(0, 256, (count, *image_shape), np.uint8)

    @cached_property
    def model(self) -> AutoEncoder:
        """A model of grey images as it is built, seed 0; not to be trained."""
        start = time.perf_counter()
        model = self.create()
        self.build_seconds = time.perf_counter() - start
        return model

    @cached_property
    def is_gaussian(self) -> bool:
        """Whether the posterior is a Gaussian."""
        return getattr(self.model, "posterior", "gaussian") == "gaussian"

    @cached_property
    def trained(self) -> Training:
        """A model of grey images after a few steps: what starts at zero, as some layers do, no longer is."""
        return Training(self.create(), self.images())


class Training:
    """A few steps on one batch, every step of which moves a weight by ``RATE`` wherever its gradient is not zero.

    Args:
        model: is trained.
        images: the batch.
    """

    def __init__(self, model: AutoEncoder, images: np.ndarray) -> None:
        import keras

        # Its step has the sign of the gradient, so a weight that stays as it was has no gradient.
        model.compile(keras.optimizers.Lion(RATE, weight_decay=None), precision="float32")
        self.model = model
        before = model.get_weights()
        trainable = {id(weight) for weight in model.trainable_weights}
        moved = [id(weight) not in trainable for weight in model.weights]
        self.losses = []
        for _ in range(STEPS):
            self.losses.append(float(model.train_on_batch(images, return_dict=True)["loss"]))
            changed = [bool((old != new).any()) for old, new in zip(before, model.get_weights(), strict=True)]
            moved = [was or now for was, now in zip(moved, changed, strict=True)]
        self.still = [weight.path for weight, did in zip(model.weights, moved, strict=True) if not did]
