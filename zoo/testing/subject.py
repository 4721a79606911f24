"""An architecture under test, and the models that several checks share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from zoo.registry import catalogue
from zoo.registry.specs import LATENT_OPTIONS
from zoo.testing.preparation import Prepares, prepared
from zoo.testing.rule import CheckSkipped
from zoo.testing.shapes import Shapes, real_images

if TYPE_CHECKING:
    from zoo.autoencoder.model import AutoEncoder
    from zoo.registry.specs import Architecture

LIKELIHOOD = "discretized_logistic"
LATENT = 16
BATCH = 32
STEPS = 24
RATE = 1e-3
LABELLED_CLASSES, FEW_STEPS = 3, 3
Made = TypeVar("Made")


class Subject(Prepares):
    """An architecture under test.

    Args:
        name: a name from ``zoo.list_models()``, which may come from ``plugin``.
        plugin: a file or a module to load first, as for ``zoo check --plugin``.
        image_shape: the only shape of images to check it with; by default those that it declares, or the usual ones.

    Raises:
        UnknownNameError: no such name.
        PluginLoadError: the plugin cannot be loaded.
        ValueError: it is not for images of that shape.
    """

    def __init__(self, name: str, plugin: str | None = None, image_shape: tuple[int, ...] | None = None) -> None:
        super().__init__()
        if plugin is not None:
            catalogue.load_plugin(plugin)
        self.name, self.plugin = name, plugin
        self.architecture: Architecture = catalogue.architecture(name)
        self.shapes = Shapes(self.architecture, image_shape)
        self.import_seconds: float | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of images that most checks use."""
        return self.shapes.main

    @property
    def reporter(self) -> str:
        """The check that reports a model for this shape that cannot be built."""
        for channels, name in ((1, "grey_images"), (3, "colour_images")):
            if self.shapes.with_channels(channels) == self.shape:
                return f"check_builds_for_{name}"
        return "check_builds_for_its_image_shapes"

    def build(self, image_shape: tuple[int, int, int] | None = None, *, seed: int = 0, **options: Any) -> AutoEncoder:
        """Build a model for images of a shape, with the architecture's defaults except ``options``."""
        from zoo.factory.create import create_model

        if not any(option in LATENT_OPTIONS for option in (*self.architecture.defaults, *options)):
            options["latent_dim"] = LATENT  # A missing default must fail one check, not every check.
        shape = image_shape or self.shape
        return create_model(self.name, image_shape=shape, likelihood=LIKELIHOOD, seed=seed, **options)

    def latent_shape(self, image_shape: tuple[int, int, int]) -> tuple[int, ...]:
        """Return the default shape of the latent for images of a shape."""
        from zoo.factory.options import choose_latent_shape

        has_default = any(option in self.architecture.defaults for option in LATENT_OPTIONS)
        return choose_latent_shape(self.architecture, image_shape, None if has_default else LATENT)

    def images(self, image_shape: tuple[int, int, int] | None = None, count: int = BATCH) -> np.ndarray:
        """Return real images, uint8 ``(count, H, W, C)``, resized if there are none of this shape."""
        return real_images(image_shape or self.shape, count)

    @prepared
    def build_model(self) -> AutoEncoder:
        """A model as built with seed 0, or the error that the builders raise."""
        return self.build()

    @property
    def model(self) -> AutoEncoder:
        """A model as built with seed 0; it must not be trained."""
        return _try(lambda: self.build_model, self.reporter)

    @prepared
    def train_model(self) -> Training:
        """A few training steps, with finite losses or not, or the error that they raise."""
        self.model  # noqa: B018 - reports a model that cannot be built
        return Training(self.build(), self.images())

    @property
    def training(self) -> Training:
        """The same, for checks of something else."""
        return _try(lambda: self.train_model, "check_training_step_runs")

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

    @prepared
    def train_with_labels(self) -> Training:
        """Some training steps of a conditional model, so that weights initialised to zero no longer are."""
        model = self.build(conditional=True, classes=LABELLED_CLASSES)
        images = self.images()
        return Training(model, (images, np.arange(len(images)) % LABELLED_CLASSES), steps=FEW_STEPS)

    def create_trainable(self) -> AutoEncoder:
        """Build a model as ``create`` does, for checks of training; skip the check if it cannot be trained at all."""
        self.trained  # noqa: B018 - skips the check if the model cannot be trained
        return self.create()

    def create(self, *, seed: int = 0) -> AutoEncoder:
        """Build a model as ``build`` does, for checks of something other than building."""
        self.model  # noqa: B018 - a model that cannot be built is not built again
        return _try(lambda: self.build(seed=seed), self.reporter)

    @cached_property
    def posterior(self) -> str:
        """The kind of posterior: ``gaussian``, ``point`` or ``hierarchical``."""
        from zoo.factory.resolve import resolve_class

        return resolve_class(self.architecture).posterior

    def names_labels(self, part: str) -> bool:
        """Return whether the builder of ``encoder`` or ``decoder`` has a parameter ``labels``."""
        from zoo.factory.resolve import resolve

        return bool(getattr(resolve(self.architecture), part).takes_labels)


def to_numpy(value: Any) -> np.ndarray:
    """Return a tensor or a variable as an array."""
    from keras import ops

    return np.asarray(ops.convert_to_numpy(value))


def to_tensor(values: np.ndarray) -> Any:
    """Return an array as a tensor."""
    from keras import ops

    return ops.convert_to_tensor(values)


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
    except CheckSkipped:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise CheckSkipped(f"it cannot be tried: see {reporter}") from error


class Training:
    """A few steps on one batch, each of which moves every weight with a nonzero gradient by ``RATE``.

    Args:
        model: the model to train.
        images: the batch; for a conditional model with labels.
        steps: the number of steps.
    """

    def __init__(self, model: AutoEncoder, images: Any, steps: int = STEPS) -> None:
        import keras

        from zoo.autoencoder.checks.weights import find_broken

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
            if find_broken(model) is not None:
                self.losses.append(math.nan)  # Another step would be refused.
                break
        self.still = [weight.path for weight, did in zip(model.weights, moved, strict=True) if not did]
