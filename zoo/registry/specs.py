"""Frozen descriptions of the architectures and datasets that plugins provide, without Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from zoo.registry.fields import (
    Pattern,
    check_name,
    check_patterns,
    check_reference,
    check_shape,
    check_size_defaults,
    check_text,
    check_versions,
    copy_options,
    fits,
    show_patterns,
)
from zoo.registry.recipe import RECIPE_KEYS, Recipe
from zoo.registry.references import resolve_reference

if TYPE_CHECKING:
    import keras

    from zoo.registry.record import PluginRecord

LATENT_OPTIONS = ("latent_dim", "latent_shape")
# Arguments of zoo.create_model and zoo.train: an option with one of these names would mean one thing in one of them and
# something else in the other.
RESERVED_OPTIONS = frozenset(RECIPE_KEYS) | {
    "name", "encoder", "decoder", "encoder_config", "decoder_config", "seed", "preset", "sample", "out", "data_dir",
    "overwrite", "deterministic", "tensorboard", "profile", "progress", "data", "start", "weights", "classes",
}  # fmt: skip
FOLDER = "folder:"  # The prefix of a dataset name that refers to a folder of image files.
# Named, not imported: the builders need Keras and are above this package.
_BUILD_ENCODER, _BUILD_DECODER = (f"zoo.factory.parts:build_{part}" for part in ("encoder", "decoder"))


@dataclass(frozen=True)
class Architecture:
    """A named pair of an encoder builder and a decoder builder, with defaults.

    Args:
        name: matches ``^[a-z][a-z0-9_]*$``.
        summary: one line for tables.
        encoder: ``build_encoder(image_shape, latent_shape, **config) -> keras.Model``: the function itself,
            ``"module:function"``, or ``"file.py:function"``, where the file is relative to the plugin's own. The model
            maps images ``(H, W, C)``, float32 in [0, 1], to ``(mean, std)`` of a diagonal Gaussian, each of shape
            ``latent_shape``, std > 0, float32; with an ``autoencoder`` whose ``posterior`` is ``point``, to one tensor
            z of that shape, and to features if it is ``hierarchical``.
        decoder: ``build_decoder(latent_shape, output_shape, **config) -> keras.Model``, likewise. The model maps z to
            the likelihood's raw parameters, linear, of shape ``output_shape``.
        defaults: options and their default values: numbers, text, True, False, None, and lists and dicts of these.
            ``latent_dim`` (an int) or ``latent_shape`` (an int, a tuple, or a function of the image shape, or of the
            image shape and the options) reaches the builders as ``latent_shape``; every other option goes to the
            builders that have a parameter of that name. A parameter ``labels`` that is no option is None, or in a
            conditional model a tensor ``(batch, 16)``, which the builder's model takes as its second input.
        autoencoder: an ``AutoEncoder`` subclass (or ``"module:class"``) for another kind of latent or objective.
            Training, scores and pictures use its overrides of ``elbo_terms``, ``log_weights``, ``objective``,
            ``draw_prior``, ``decode`` and ``extra_scores``; a score that it cannot compute is null. Its attribute
            ``posterior`` states what the encoder outputs: ``gaussian`` (two tensors, the default), ``point`` (one
            tensor: z has no spread, as in a vector-quantised model) or ``hierarchical`` (features, see
            ``zoo.HierarchicalAutoEncoder``). Register the class with
            ``keras.saving.register_keras_serializable``, so that models can be loaded.
        requires_zoo: the zoo versions that it works with, such as ``">=0.1,<1"``.
        source: the paper it comes from.
        image_shapes: the shapes of images ``(height, width, channels)`` that the builders can build for, with None for
            any number, such as ``((32, 32, None), (64, 64, None))``; None: images of any shape. Other images are
            refused, and datasets of other images have no preset.
        size_defaults: values of ``defaults`` for larger images, by the least number of pixels of the longer side, such
            as ``{48: {"latent_dim": 64}, 96: {"latent_dim": 128}}``.

    Raises:
        ValueError: a field is not as described above.
    """

    name: str
    summary: str
    encoder: str | Callable[..., keras.Model]
    decoder: str | Callable[..., keras.Model]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    autoencoder: str | type | None = None
    requires_zoo: str | None = None
    source: str | None = None
    image_shapes: tuple[Pattern, ...] | None = None
    size_defaults: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    plugin: PluginRecord | None = field(default=None, init=False, compare=False, repr=False)

    def __hash__(self) -> int:
        """Hash by name; equality looks at all fields."""
        return hash(self.name)

    def __post_init__(self) -> None:
        """Check every field."""
        object.__setattr__(self, "name", check_name(self.name, "architecture"))
        object.__setattr__(self, "summary", check_text(self.summary, f"architecture {self.name}: summary"))
        if self.source is not None:
            object.__setattr__(self, "source", check_text(self.source, f"architecture {self.name}: source"))
        check_reference(self.encoder, f"architecture {self.name}: encoder")
        check_reference(self.decoder, f"architecture {self.name}: decoder")
        if self.autoencoder is not None:
            check_reference(self.autoencoder, f"architecture {self.name}: autoencoder")
        defaults = copy_options(self.defaults, f"architecture {self.name}: defaults", LATENT_OPTIONS)
        object.__setattr__(self, "defaults", MappingProxyType(defaults))
        if all(option in self.defaults for option in LATENT_OPTIONS):
            raise ValueError(f"architecture {self.name}: defaults has {' and '.join(LATENT_OPTIONS)}: expected one")
        taken = sorted(RESERVED_OPTIONS & set(self.defaults))
        if taken:
            raise ValueError(
                f"architecture {self.name}: defaults has {taken[0]!r}, which is already an argument of "
                "zoo.create_model or zoo.train: expected another name for the option"
            )
        if self.requires_zoo is not None:
            check_versions(self.requires_zoo, f"architecture {self.name}: requires_zoo")
        patterns = check_patterns(self.image_shapes, f"architecture {self.name}: image_shapes")
        object.__setattr__(self, "image_shapes", patterns)
        sizes = check_size_defaults(
            self.size_defaults, self.defaults, f"architecture {self.name}: size_defaults", LATENT_OPTIONS
        )
        object.__setattr__(self, "size_defaults", sizes)

    def defaults_for(self, image_shape: tuple[int, ...]) -> dict[str, Any]:
        """Return the options' values for images of a shape ``(height, width, channels)``."""
        found = dict(self.defaults)
        for size, options in self.size_defaults.items():
            if max(image_shape[:2]) >= size:
                found |= options
        return found

    def takes(self, image_shape: tuple[int | None, ...]) -> bool:
        """Whether it is for images of a shape ``(height, width, channels)``; None stands for an unknown number."""
        return self.image_shapes is None or any(fits(image_shape, pattern) for pattern in self.image_shapes)

    def check_takes(self, image_shape: tuple[int | None, ...]) -> None:
        """Raise ``ValueError`` unless it is for images of a shape, as ``takes`` says."""
        if self.image_shapes is not None and not self.takes(image_shape):
            got = " x ".join(str(size) for size in image_shape if size is not None)
            raise ValueError(
                f"architecture {self.name} is for images of {show_patterns(self.image_shapes)}, not of {got}: resize "
                "the images, or choose another architecture (zoo list)"
            )

    def build_encoder(
        self,
        image_shape: tuple[int, int, int],
        latent_shape: int | tuple[int, ...] | None = None,
        **config: Any,
    ) -> keras.Model:
        """Build the encoder with this architecture's defaults and check it.

        Args:
            image_shape: ``(height, width, channels)``.
            latent_shape: an int or a tuple; None takes the architecture's default.
            **config: the architecture's options.

        Returns:
            A Keras model from images ``(batch, *image_shape)``, float32 in [0, 1], to ``(mean, std)``, each
            ``(batch, *latent_shape)``, or to one such tensor if the posterior is a point.

        Raises:
            TypeError: an unknown option.
            ArchitectureError: the builder is missing, raises, or returns a model of the wrong shape.
        """
        model: keras.Model = resolve_reference(_BUILD_ENCODER)(self, image_shape, latent_shape, config)
        return model

    def build_decoder(
        self, latent_shape: int | tuple[int, ...], output_shape: tuple[int, int, int], **config: Any
    ) -> keras.Model:
        """Build the decoder with this architecture's defaults and check it.

        Args:
            latent_shape: an int or a tuple.
            output_shape: ``(height, width, likelihood.output_channels(image channels))``.
            **config: the architecture's options.

        Returns:
            A Keras model from z ``(batch, *latent_shape)`` to raw parameters ``(batch, *output_shape)``.

        Raises:
            TypeError: an unknown option.
            ArchitectureError: the builder is missing, raises, or returns a model of the wrong shape.
        """
        model: keras.Model = resolve_reference(_BUILD_DECODER)(self, latent_shape, output_shape, config)
        return model


@dataclass(frozen=True)
class DatasetSpec:
    """A named source of images with fixed train, validation and test splits, and a default recipe.

    Args:
        name: matches ``^[a-z][a-z0-9_]*$``.
        summary: one line for tables.
        image_shape: ``(height, width, channels)``.
        classes: the class names, in the order of the labels.
        load: ``load(data_dir) -> zoo.data.Dataset`` as ``"module:function"`` or the function itself; ``data_dir`` is a
            folder or None.
        recipe: how models are trained on it by default; see ``zoo.Recipe``.

    Raises:
        ValueError: a field is not as described above.
    """

    name: str
    summary: str
    image_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    load: str | Callable[..., Any]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    plugin: PluginRecord | None = field(default=None, init=False, compare=False, repr=False)

    def __hash__(self) -> int:
        """Hash by name; equality looks at all fields."""
        return hash(self.name)

    def __post_init__(self) -> None:
        """Check every field."""
        self._check_name()
        object.__setattr__(self, "summary", check_text(self.summary, f"dataset {self.name}: summary"))
        shape = check_shape(self.image_shape, f"dataset {self.name}: image_shape", rank=3)
        object.__setattr__(self, "image_shape", shape)
        listed = isinstance(self.classes, list | tuple)
        if not listed or not all(isinstance(label, str) for label in self.classes):
            raise ValueError(f"dataset {self.name}: classes is {self.classes!r}: expected a tuple of names")
        names = tuple(check_text(label, f"dataset {self.name}: a class") for label in self.classes)
        object.__setattr__(self, "classes", names)
        check_reference(self.load, f"dataset {self.name}: load")
        if not isinstance(self.recipe, Mapping):
            raise ValueError(f"dataset {self.name}: recipe is {self.recipe!r}: expected a dict of settings")
        try:
            Recipe().replace(**self.recipe)
        except (TypeError, ValueError) as error:
            raise ValueError(f"dataset {self.name}: recipe: {error}") from error
        object.__setattr__(self, "recipe", MappingProxyType(dict(self.recipe)))

    def _check_name(self) -> None:
        object.__setattr__(self, "name", check_name(self.name, "dataset"))
