"""An architecture under test, and the models that several checks share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from zoo.registry import catalogue
from zoo.registry.specs import LATENT_OPTIONS
from zoo.testing.rule import CheckSkipped

if TYPE_CHECKING:
    from zoo.autoencoder.model import AutoEncoder
    from zoo.registry.specs import Architecture

GREY, COLOUR, ODD = (28, 28, 1), (32, 32, 3), (31, 17, 2)
LIKELIHOOD = "discretized_logistic"
BATCH = 32
STEPS = 24
RATE = 1e-3
Made = TypeVar("Made")


class Subject:
    """An architecture under test.

    Args:
        name: a name from ``zoo.list_models()``, which may come from ``plugin``.
        plugin: a file or a module to load first, as for ``zoo check --plugin``.

    Raises:
        UnknownNameError: no such name.
        PluginLoadError: the plugin cannot be loaded.
    """

    def __init__(self, name: str, plugin: str | None = None) -> None:
        if plugin is not None:
            catalogue.load_plugin(plugin)
        self.name, self.plugin = name, plugin
        self.architecture: Architecture = catalogue.architecture(name)
        self.build_seconds: float | None = None
        self.import_seconds: float | None = None

    def build(self, image_shape: tuple[int, int, int] = GREY, *, seed: int = 0, **options: Any) -> AutoEncoder:
        """Build a model for images of a shape, with the architecture's defaults except ``options``."""
        from zoo.factory.create import create_model

        if not any(option in LATENT_OPTIONS for option in (*self.architecture.defaults, *options)):
            options["latent_dim"] = 16  # A missing default must fail one check, not every check.
        return create_model(self.name, image_shape=image_shape, likelihood=LIKELIHOOD, seed=seed, **options)

    def images(self, image_shape: tuple[int, int, int] = GREY, count: int = BATCH) -> np.ndarray:
        """Return images, uint8 ``(count, H, W, C)``: real ones if available in this shape, else noise."""
        from zoo.data.load import load_dataset

        for dataset, shape in (("mnist_sample", GREY), ("cifar10_sample", COLOUR)):
            if image_shape == shape:
                return np.array(load_dataset(dataset, limit=count).train.images)
        return np.random.default_rng(0).integers(0, 256, (count, *image_shape), np.uint8)

    @cached_property
    def model(self) -> AutoEncoder:
        """A model for grey images, as built with seed 0; it must not be trained."""
        start = time.perf_counter()
        model = _try(self.build, "check_builds_for_grey_images")
        self.build_seconds = time.perf_counter() - start
        return model

    @cached_property
    def training(self) -> Training:
        """A few training steps on grey images, with finite losses or not."""
        self.model  # noqa: B018 - reports a model that cannot be built
        return _try(lambda: Training(self.build(), self.images()), "check_training_step_runs")

    @property
    def trained(self) -> Training:
        """The same steps, for checks that need a model that can be trained."""
        if not np.isfinite(self.training.losses).all():
            raise CheckSkipped("it cannot be tried, since the loss is not finite: see check_loss_falls")
        return self.training

    @property
    def example(self) -> AutoEncoder:
        """A model after a few steps, so that weights initialised to zero no longer are.

        It is the untrained model if a loss is not finite, since then its weights are not either.
        """
        return self.training.model if np.isfinite(self.training.losses).all() else self.model

    def create_trainable(self) -> AutoEncoder:
        """Build a model as ``create`` does, for checks of training; skip the check if it cannot be trained at all."""
        self.trained  # noqa: B018 - skips the check if the model cannot be trained
        return self.create()

    def create(self, image_shape: tuple[int, int, int] = GREY, *, seed: int = 0, **options: Any) -> AutoEncoder:
        """Build a model as ``build`` does, for checks of something other than building."""
        return _try(lambda: self.build(image_shape, seed=seed, **options), "check_builds_for_grey_images")

    @cached_property
    def is_gaussian(self) -> bool:
        """Whether the posterior is Gaussian."""
        from zoo.factory.resolve import resolve_class

        return resolve_class(self.architecture).posterior == "gaussian"


def to_numpy(value: Any) -> np.ndarray:
    """Return a tensor or a variable as an array."""
    from keras import ops

    return np.asarray(ops.convert_to_numpy(value))


def walk_layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a model and of the models in it, in the order in which they are called."""
    for layer in model.layers:
        yield layer
        if is_container(layer):
            yield from walk_layers(layer)


def is_container(layer: Any) -> bool:
    """Return whether a layer is itself a model made of layers."""
    return bool(getattr(layer, "layers", None))


def _try(make: Callable[[], Made], reporter: str) -> Made:
    """Call ``make``; if that fails, skip the check and point to the check that reports the failure."""
    try:
        return make()
    except (Exception, SystemExit) as error:
        raise CheckSkipped(f"it cannot be tried: see {reporter}") from error


class Training:
    """A few steps on one batch, each of which moves every weight with a nonzero gradient by ``RATE``.

    Args:
        model: the model to train.
        images: the batch.
        steps: the number of steps.
    """

    def __init__(self, model: AutoEncoder, images: np.ndarray, steps: int = STEPS) -> None:
        import keras

        # Lion steps by the sign of the gradient, so a weight that does not change has no gradient.
        model.compile(keras.optimizers.Lion(RATE, weight_decay=None), precision="float32")
        self.model = model
        before = model.get_weights()
        trainable = {id(weight) for weight in model.trainable_weights}
        moved = [id(weight) not in trainable for weight in model.weights]
        self.losses = []
        for _ in range(steps):
            self.losses.append(float(model.train_on_batch(images, return_dict=True)["loss"]))
            changed = [bool((old != new).any()) for old, new in zip(before, model.get_weights(), strict=True)]
            moved = [was or now for was, now in zip(moved, changed, strict=True)]
        self.still = [weight.path for weight, did in zip(model.weights, moved, strict=True) if not did]
