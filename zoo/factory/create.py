"""Building a compiled ``AutoEncoder`` by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo import likelihoods
from zoo.autoencoder.model import AutoEncoder
from zoo.autoencoder.objective import check_samples_of
from zoo.factory.assemble import assemble, check_optimizer
from zoo.factory.conditional import count_classes, model_class_for
from zoo.factory.options import check_options, choose_latent_shape, take_latent
from zoo.factory.resolve import resolve
from zoo.factory.trained import create_trained
from zoo.registry import catalogue
from zoo.registry.fields import check_shape
from zoo.registry.presets import Preset, merge_options
from zoo.registry.recipe import Recipe


def create_model(
    name: str | None = None,
    *,
    encoder: str | None = None,
    decoder: str | None = None,
    image_shape: tuple[int, int, int] | None = None,
    likelihood: Any = None,
    seed: int | None = None,
    weights: str | Path | None = None,
    encoder_config: Mapping[str, Any] | None = None,
    decoder_config: Mapping[str, Any] | None = None,
    conditional: bool | None = None,
    classes: int | None = None,
    **config: Any,
) -> AutoEncoder:
    """Build a model by name, compiled and ready for ``fit``.

    Args:
        name: an architecture (``residual``) or a preset (``residual/cifar10``).
        encoder: instead of a name, the architecture to take the encoder from.
        decoder: the architecture to take the decoder from.
        image_shape: ``(height, width, channels)``; not needed with a preset.
        likelihood: a name, a likelihood or a plain Keras loss (default: the recipe's).
        seed: makes weights and draws reproducible.
        weights: trained weights instead of new ones: ``default``, or the tag of others, of a preset; a folder that
            ``zoo publish`` made (a path, or text with a slash); or ``hf://user/repo@revision``. They decide the options
            and the likelihood, which may be given if they are the same.
        encoder_config: options for the encoder only.
        decoder_config: options for the decoder only.
        conditional: whether encoder and decoder take labels too, as in ``zoo.ConditionalAutoEncoder`` (default: the
            recipe's). Of architectures with the usual Gaussian latent, any can be conditional.
        classes: the number of classes of a conditional model; by default that of the preset's dataset.
        **config: options of the architecture, such as ``latent_dim``.

    Returns:
        A compiled ``AutoEncoder``. From a preset's recipe it takes the likelihood, the binarization, the optimizer with
        its learning rate, the KL weight, free bits, importance samples and the precision. The batch size, the number of
        epochs, the decay of the learning rate and early stopping are used only by ``zoo.train``;
        ``zoo.get_model_info(name).recipe`` lists them.

    Raises:
        UnknownNameError: there is no such name.
        TypeError: an unknown option, or no image shape.
        ValueError: an image shape or an option is not valid.
        ArchitectureError: a builder is missing, raises, or returns a model of the wrong shape.
        WeightsNotFoundError: there are no such trained weights; the message names each place looked at.
        ModelLoadError: the trained weights are damaged, or are those of something else.

    Example:
        ```python
        model = zoo.create_model("residual", image_shape=(64, 64, 3), latent_dim=32)
        ```
    """
    if (name is None) == (encoder is None and decoder is None):
        raise TypeError("create_model takes a name, or encoder= and decoder=")
    if name is None and (encoder is None or decoder is None):
        raise TypeError("create_model takes encoder= and decoder= together")
    if weights is not None:
        if name is None or encoder_config or decoder_config:
            raise TypeError("weights= takes the name of a preset or an architecture, and no options of one part")
        return create_trained(
            name, weights, image_shape=image_shape, likelihood=likelihood, seed=seed, conditional=conditional,
            classes=classes, config=config,
        )  # fmt: skip
    if isinstance(name, str) and "/" in name:
        preset = catalogue.preset(name)
        _check_image_shape(preset, image_shape)
        recipe = preset.recipe if conditional is None else preset.recipe.replace(conditional=conditional)
        changed = replace(preset, config=merge_options(preset.config, config), recipe=recipe)
        return create_from_preset(
            changed, seed, likelihood=likelihood, encoder_config=encoder_config, decoder_config=decoder_config,
            classes=_check_classes(recipe.conditional, classes),
        )  # fmt: skip
    first = catalogue.architecture(encoder if name is None else name)  # type: ignore[arg-type]
    second = first if decoder is None else catalogue.architecture(decoder)
    if image_shape is None:
        raise TypeError(
            f"create_model({first.name!r}) needs image_shape=(height, width, channels), or a preset such as "
            f"'{first.name}/mnist'"
        )
    height, width, channels = check_shape(image_shape, "image_shape", rank=3)
    recipe = Recipe() if conditional is None else Recipe().replace(conditional=conditional)
    known = _check_classes(recipe.conditional, classes)
    if recipe.conditional and known is None:
        raise TypeError(
            f"create_model({first.name!r}, conditional=True) needs classes=, their number, or a preset such as "
            f"'{first.name}/mnist'"
        )
    return assemble(
        (first, second),
        (height, width, channels),
        dict(config),
        (encoder_config or {}, decoder_config or {}),
        likelihoods.get(recipe.likelihood if likelihood is None else likelihood),
        recipe,
        seed,
        classes=known,
    )


def create_from_preset(
    preset: Preset,
    seed: int | None = None,
    *,
    likelihood: Any = None,
    encoder_config: Mapping[str, Any] | None = None,
    decoder_config: Mapping[str, Any] | None = None,
    classes: int | None = None,
) -> AutoEncoder:
    """Build a preset's model, compiled with its recipe; arguments and errors as in ``create_model``."""
    return assemble(
        (preset.architecture, preset.architecture),
        preset.dataset.image_shape,
        dict(preset.config),
        (encoder_config or {}, decoder_config or {}),
        likelihoods.get(preset.recipe.likelihood if likelihood is None else likelihood),
        preset.recipe,
        seed,
        preset.name,
        count_classes(preset) if classes is None else classes,
    )


def check_preset(preset: Preset) -> None:
    """Check a preset's options, likelihood and optimizer without building it.

    Raises:
        TypeError: an unknown option.
        ValueError: the latent size is not valid, or importance weights are combined with a plain loss.
        UnknownNameError: there is no such likelihood or optimizer.
        ArchitectureError: a builder cannot be imported.
    """
    check_samples_of(likelihoods.get(preset.recipe.likelihood), preset.recipe.importance_samples)
    classes = count_classes(preset)
    check_optimizer(preset.recipe)
    config = dict(preset.config)
    latent = take_latent(config)
    resolved = resolve(preset.architecture)
    check_options(config, (resolved,))
    model_class_for(resolved, classes)
    choose_latent_shape(preset.architecture, preset.dataset.image_shape, latent, config)


def _check_classes(conditional: bool, classes: Any) -> int | None:
    """Return a number of classes that is given; ``TypeError`` or ``ValueError`` unless the model can have it."""
    if classes is not None and not conditional:
        raise TypeError("classes= is given, and the model is not conditional: expected conditional=True with it")
    if classes is not None and (not isinstance(classes, int | np.integer) or isinstance(classes, bool) or classes < 2):
        raise ValueError(f"classes is {classes!r}: expected a whole number of at least 2")
    return None if classes is None else int(classes)


def _check_image_shape(preset: Preset, image_shape: Any) -> None:
    expected = preset.dataset.image_shape
    if image_shape is not None and check_shape(image_shape, "image_shape", rank=3) != expected:
        raise ValueError(
            f"image_shape is {tuple(image_shape)}: preset {preset.name} has {expected}; for other images use "
            f"create_model({preset.architecture.name!r}, image_shape=...)"
        )
