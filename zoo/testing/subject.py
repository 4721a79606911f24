"""What is under test: an architecture by its name, and the models that several checks share."""

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
        name: a name from ``zoo.list_models()``, perhaps only once ``plugin`` is loaded.
        plugin: a file or a module to load first, as ``zoo check --plugin`` takes it.

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
        """Build a model for images of a shape, with the architecture's defaults but for ``options``."""
        from zoo.factory.create import create_model

        if not any(option in LATENT_OPTIONS for option in (*self.architecture.defaults, *options)):
            options["latent_dim"] = 16  # That there is no default is one check's failure, not every check's.
        return create_model(self.name, image_shape=image_shape, likelihood=LIKELIHOOD, seed=seed, **options)

    def images(self, image_shape: tuple[int, int, int] = GREY, count: int = BATCH) -> np.ndarray:
        """Return images, uint8 ``(count, H, W, C)``: real ones where there are some of this shape."""
        from zoo.data.load import load_dataset

        for dataset, shape in (("mnist_sample", GREY), ("cifar10_sample", COLOUR)):
            if image_shape == shape:
                return np.array(load_dataset(dataset, limit=count).train.images)
        return np.random.default_rng(0).integers(0, 256, (count, *image_shape), np.uint8)

    @cached_property
    def model(self) -> AutoEncoder:
        """A model of grey images as it is built, seed 0; not to be trained."""
        start = time.perf_counter()
        model = _try(self.build, "check_builds_for_grey_images")
        self.build_seconds = time.perf_counter() - start
        return model

    @cached_property
    def training(self) -> Training:
        """A few training steps on grey images, whatever became of them."""
        self.model  # noqa: B018 - what cannot be built is said there
        return _try(lambda: Training(self.build(), self.images()), "check_training_step_runs")

    @property
    def trained(self) -> Training:
        """The same for checks that ask a model that can be trained."""
        if not np.isfinite(self.training.losses).all():
            raise CheckSkipped("it cannot be tried, for the loss is not finite: see check_loss_falls")
        return self.training

    @property
    def example(self) -> AutoEncoder:
        """A model after a few steps, since what starts at zero, as some layers do, no longer is; else as it is built.

        A model that has a loss that is not finite has weights that are not.
        """
        return self.training.model if np.isfinite(self.training.losses).all() else self.model

    def create_trainable(self) -> AutoEncoder:
        """Build a model as ``create`` does, for checks of how it trains; what cannot be trained at all is skipped."""
        self.trained  # noqa: B018 - what cannot be trained is said there
        return self.create()

    def create(self, image_shape: tuple[int, int, int] = GREY, *, seed: int = 0, **options: Any) -> AutoEncoder:
        """Build a model as ``build`` does, for checks of something else than building."""
        return _try(lambda: self.build(image_shape, seed=seed, **options), "check_builds_for_grey_images")

    @cached_property
    def is_gaussian(self) -> bool:
        """Whether the posterior is a Gaussian."""
        from zoo.factory.resolve import resolve_class

        return resolve_class(self.architecture).posterior == "gaussian"


def to_numpy(value: Any) -> np.ndarray:
    """Return a tensor or a variable as an array."""
    from keras import ops

    return np.asarray(ops.convert_to_numpy(value))


def walk_layers(model: Any) -> Iterator[Any]:
    """Return the layers of a model and of the models in it, in the order in which they are called."""
    for layer in model.layers:
        yield layer
        if is_container(layer):
            yield from walk_layers(layer)


def is_container(layer: Any) -> bool:
    """Return whether a layer is a model, made of layers."""
    return bool(getattr(layer, "layers", None))


def _try(make: Callable[[], Made], reporter: str) -> Made:
    """Make something; if it cannot be made, one check reports that, and the others are skipped."""
    try:
        return make()
    except (Exception, SystemExit) as error:
        raise CheckSkipped(f"it cannot be tried: see {reporter}") from error


class Training:
    """A few steps on one batch, every step of which moves a weight by ``RATE`` wherever its gradient is not zero.

    Args:
        model: is trained.
        images: the batch.
        steps: how many.
    """

    def __init__(self, model: AutoEncoder, images: np.ndarray, steps: int = STEPS) -> None:
        import keras

        # Its step has the sign of the gradient, so a weight that stays as it was has no gradient.
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
