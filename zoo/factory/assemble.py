"""Building a compiled ``AutoEncoder`` from architectures, options and a recipe."""

from __future__ import annotations

import contextlib
import json
import math
import random
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import keras

from zoo import likelihoods
from zoo.autoencoder.model import AutoEncoder
from zoo.autoencoder.optimizers.adam import get_optimizer
from zoo.autoencoder.optimizers.clipping import clip_by_usual_norms
from zoo.errors import ArchitectureError, UnknownNameError
from zoo.factory.conditional import build, model_class_for
from zoo.factory.options import check_options, check_part_options, choose_latent_shape, take_latent
from zoo.factory.resolve import resolve
from zoo.registry import catalogue
from zoo.registry.fields import as_plain_values
from zoo.registry.recipe import Recipe
from zoo.registry.record import PluginRecord
from zoo.registry.scoring_specs import LikelihoodSpec
from zoo.registry.signatures import PARTS
from zoo.registry.specs import Architecture


def assemble(
    pair: tuple[Architecture, Architecture],
    shape: tuple[int, int, int],
    config: dict[str, Any],
    part_configs: tuple[Mapping[str, Any], Mapping[str, Any]],
    likelihood: likelihoods.Likelihood,
    recipe: Recipe,
    seed: int | None,
    preset: str | None = None,
    classes: int | None = None,
) -> AutoEncoder:
    """Build and compile a model.

    Args:
        pair: the architectures of the encoder and the decoder.
        shape: ``(height, width, channels)`` of the images.
        config: options of both parts.
        part_configs: options of the encoder alone, and of the decoder alone.
        likelihood: the likelihood.
        recipe: the binarization and what the model is compiled with.
        seed: makes weights and draws reproducible; None for those of Keras' random state.
        preset: the preset's name, for its provenance.
        classes: the number of classes of a conditional model's labels; None: it is not conditional.

    Raises:
        TypeError: an unknown option.
        ValueError: the architectures do not take such images, or an option is not valid.
        UnknownNameError: there is no such optimizer.
        ArchitectureError: a builder is missing, raises, or returns a model of the wrong shape.
    """
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
    encoder_latent, decoder_latent = (choose_latent_shape(item, shape, latent, config) for item in pair)
    if encoder_latent != decoder_latent:
        raise ArchitectureError(
            f"encoder {first.name} has latent shape {encoder_latent}, decoder {second.name} has {decoder_latent}: "
            "expected equal shapes; set both with latent_dim= or latent_shape="
        )
    model_class, _ = (model_class_for(item, classes) for item in (encoder_of, decoder_of))
    output_shape = (*shape[:2], likelihood.output_channels(shape[2]))
    encoder_config, decoder_config = ({**config, **own} for own in part_configs)
    with _seeded(seed):
        encoder = build(encoder_of, "encoder", (shape, encoder_latent), encoder_config, classes)
        decoder = build(decoder_of, "decoder", (decoder_latent, output_shape), decoder_config, classes)
        provenance = _provenance(pair, preset, likelihood)
        # Whoever loads the saved model builds the same network from it.
        shapes: dict[str, Any] = {"image_shape": shape, "latent_shape": decoder_latent, "output_shape": output_shape}
        if classes is not None:
            shapes["classes"] = classes
        with contextlib.suppress(ValueError):  # An option that is not plain is not stored.
            built = as_plain_values({**shapes, "encoder": encoder_config, "decoder": decoder_config}, "options")
            provenance["built"] = json.loads(json.dumps(built))
        model = model_class(
            encoder,
            decoder,
            likelihood,
            recipe.binarization,
            seed=seed,
            provenance=provenance,
            **({} if classes is None else {"classes": classes}),
        )
    model.compile(
        make_optimizer(recipe),
        kl_weight=recipe.kl_weight,
        free_bits=recipe.free_bits,
        importance_samples=recipe.importance_samples,
        precision=recipe.precision,
        augmentation=recipe.augmentation,
    )
    return model


def check_optimizer(recipe: Recipe) -> None:
    """Raise ``UnknownNameError`` if there is no optimizer of a recipe's name, ``ValueError`` if it lacks a setting."""
    clipping = recipe.gradient_clipping
    bounds = tuple(clipping.items()) if isinstance(clipping, Mapping) else clipping
    _check_optimizer(recipe.optimizer, recipe.weight_decay, bounds, recipe.weight_averaging)


@lru_cache(maxsize=100)
def _check_optimizer(optimizer: str, decay: float | None, bounds: Any, averaging: float) -> None:
    # Which takes ten milliseconds, most of them for Keras' variables: too long for each run of a large grid.
    clipping = dict(bounds) if isinstance(bounds, tuple) else bounds
    changes = {"weight_decay": decay, "gradient_clipping": clipping, "weight_averaging": averaging}
    make_optimizer(Recipe().replace(optimizer=optimizer, **changes))


def make_optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Return a recipe's optimizer; raise ``UnknownNameError`` if there is none of its name."""
    try:
        optimizer = get_optimizer(recipe.optimizer)
    except ValueError:
        raise UnknownNameError(
            f"no optimizer is called {recipe.optimizer!r}: expected one of Keras' optimizers, such as 'adam'"
        ) from None
    changes: dict[str, Any] = {}
    if recipe.weight_decay is not None:
        changes["weight_decay"] = recipe.weight_decay
    bounds = recipe.gradient_clipping
    if bounds is not None and not isinstance(bounds, Mapping):
        changes["global_clipnorm"] = bounds
    if recipe.weight_averaging:
        changes |= {"use_ema": True, "ema_momentum": recipe.weight_averaging}
    if changes:
        optimizer = type(optimizer).from_config({**optimizer.get_config(), **changes})
    if isinstance(bounds, Mapping):
        optimizer = clip_by_usual_norms(optimizer, **bounds)
    optimizer.learning_rate = recipe.learning_rate
    return optimizer


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
