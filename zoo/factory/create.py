"""Building a compiled ``AutoEncoder`` by name."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import keras

from zoo import likelihoods
from zoo.autoencoder.adam import get_optimizer
from zoo.autoencoder.model import AutoEncoder
from zoo.autoencoder.objective import check_samples_of
from zoo.errors import ArchitectureError, UnknownNameError
from zoo.factory.options import check_options, check_part_options, choose_latent_shape, take_latent
from zoo.factory.parts import build_part
from zoo.factory.resolve import resolve
from zoo.registry import catalogue
from zoo.registry.fields import check_shape
from zoo.registry.presets import Preset, merge_options
from zoo.registry.recipe import Recipe
from zoo.registry.record import PluginRecord
from zoo.registry.scoring_specs import LikelihoodSpec
from zoo.registry.signatures import PARTS
from zoo.registry.specs import Architecture


def create_model(
    name: str | None = None,
    *,
    encoder: str | None = None,
    decoder: str | None = None,
    image_shape: tuple[int, int, int] | None = None,
    likelihood: Any = None,
    seed: int | None = None,
    encoder_config: Mapping[str, Any] | None = None,
    decoder_config: Mapping[str, Any] | None = None,
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
        encoder_config: options for the encoder only.
        decoder_config: options for the decoder only.
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

    Example:
        ```python
        model = zoo.create_model("residual", image_shape=(64, 64, 3), latent_dim=32)
        ```
    """
    if (name is None) == (encoder is None and decoder is None):
        raise TypeError("create_model takes a name, or encoder= and decoder=")
    if name is None and (encoder is None or decoder is None):
        raise TypeError("create_model takes encoder= and decoder= together")
    if isinstance(name, str) and "/" in name:
        preset = catalogue.preset(name)
        _check_image_shape(preset, image_shape)
        changed = replace(preset, config=merge_options(preset.config, config))
        return create_from_preset(
            changed, seed, likelihood=likelihood, encoder_config=encoder_config, decoder_config=decoder_config
        )
    first = catalogue.architecture(encoder if name is None else name)  # type: ignore[arg-type]
    second = first if decoder is None else catalogue.architecture(decoder)
    if image_shape is None:
        raise TypeError(
            f"create_model({first.name!r}) needs image_shape=(height, width, channels), or a preset such as "
            f"'{first.name}/mnist'"
        )
    height, width, channels = check_shape(image_shape, "image_shape", rank=3)
    recipe = Recipe()
    return _assemble(
        (first, second),
        (height, width, channels),
        dict(config),
        (encoder_config or {}, decoder_config or {}),
        likelihoods.get(recipe.likelihood if likelihood is None else likelihood),
        recipe,
        seed,
    )


def create_from_preset(
    preset: Preset,
    seed: int | None = None,
    *,
    likelihood: Any = None,
    encoder_config: Mapping[str, Any] | None = None,
    decoder_config: Mapping[str, Any] | None = None,
) -> AutoEncoder:
    """Build a preset's model, compiled with its recipe; arguments and errors as in ``create_model``."""
    return _assemble(
        (preset.architecture, preset.architecture),
        preset.dataset.image_shape,
        dict(preset.config),
        (encoder_config or {}, decoder_config or {}),
        likelihoods.get(preset.recipe.likelihood if likelihood is None else likelihood),
        preset.recipe,
        seed,
        preset.name,
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
    _optimizer(preset.recipe)
    config = dict(preset.config)
    choose_latent_shape(preset.architecture, preset.dataset.image_shape, take_latent(config))
    check_options(config, (resolve(preset.architecture),))


def _optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    try:
        optimizer = get_optimizer(recipe.optimizer)
    except ValueError:
        raise UnknownNameError(
            f"no optimizer is called {recipe.optimizer!r}: expected one of Keras' optimizers, such as 'adam'"
        ) from None
    optimizer.learning_rate = recipe.learning_rate
    return optimizer


def _assemble(
    pair: tuple[Architecture, Architecture],
    shape: tuple[int, int, int],
    config: dict[str, Any],
    part_configs: tuple[Mapping[str, Any], Mapping[str, Any]],
    likelihood: likelihoods.Likelihood,
    recipe: Recipe,
    seed: int | None,
    preset: str | None = None,
) -> AutoEncoder:
    first, second = pair
    for architecture in pair:
        architecture.check_takes(shape)
    seed = None if seed is None else int(seed)
    latent = take_latent(config)
    encoder_of = resolve(first)
    decoder_of = encoder_of if second is first else resolve(second)
    check_options(config, (encoder_of, decoder_of))
    check_part_options(part_configs[0], first, encoder_of.encoder)
    check_part_options(part_configs[1], second, decoder_of.decoder)
    encoder_latent, decoder_latent = (choose_latent_shape(item, shape, latent) for item in pair)
    if encoder_latent != decoder_latent:
        raise ArchitectureError(
            f"encoder {first.name} has latent shape {encoder_latent}, decoder {second.name} has {decoder_latent}: "
            "expected equal shapes; set both with latent_dim= or latent_shape="
        )
    output_shape = (*shape[:2], likelihood.output_channels(shape[2]))
    with _seeded(seed):
        encoder = build_part(encoder_of, "encoder", (shape, encoder_latent), {**config, **part_configs[0]})
        decoder = build_part(decoder_of, "decoder", (decoder_latent, output_shape), {**config, **part_configs[1]})
        model = encoder_of.model_class(
            encoder,
            decoder,
            likelihood,
            recipe.binarization,
            seed=seed,
            provenance=_provenance(pair, preset, likelihood),
        )
    model.compile(
        _optimizer(recipe),
        kl_weight=recipe.kl_weight,
        free_bits=recipe.free_bits,
        importance_samples=recipe.importance_samples,
        precision=recipe.precision,
    )
    return model


def _check_image_shape(preset: Preset, image_shape: Any) -> None:
    expected = preset.dataset.image_shape
    if image_shape is not None and check_shape(image_shape, "image_shape", rank=3) != expected:
        raise ValueError(
            f"image_shape is {tuple(image_shape)}: preset {preset.name} has {expected}; for other images use "
            f"create_model({preset.architecture.name!r}, image_shape=...)"
        )


def _provenance(
    pair: tuple[Architecture, Architecture], preset: str | None, likelihood: likelihoods.Likelihood
) -> dict[str, Any]:
    parts: dict[str, Any] = {"preset": preset}
    for part, architecture in zip(PARTS, pair, strict=True):
        parts[part] = {"architecture": architecture.name, **_origin(architecture)}
    spec = catalogue.plugin_likelihoods().get(likelihood.identifier)
    if spec is not None:
        parts["likelihood"] = {"likelihood": spec.name, **_origin(spec)}
    return parts


def _origin(item: Architecture | LikelihoodSpec) -> dict[str, Any]:
    plugin = item.plugin or PluginRecord(item.name, "unregistered")
    return {"plugin": plugin.name, "distribution": plugin.distribution, "version": plugin.version}


@contextlib.contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """Seed the random state that Keras draws initializer seeds from, and restore it afterwards."""
    if seed is None:
        yield
        return
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def parameter_count(model: AutoEncoder) -> int:
    """Return the number of parameters of encoder and decoder, trainable or not."""
    return sum(math.prod(weight.shape) for part in (model.encoder, model.decoder) for weight in part.weights)
