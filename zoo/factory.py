"""From a name to a compiled ``AutoEncoder``: builders, their options, and the checks of what they give."""

from __future__ import annotations

import contextlib
import inspect
import math
import numbers
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import keras

from zoo import likelihoods, registry
from zoo.autoencoder import AutoEncoder
from zoo.discovery import PluginRecord, resolve_reference
from zoo.errors import ArchitectureError, UnknownNameError
from zoo.presets import Preset, merge_options
from zoo.recipe import Recipe
from zoo.specs import LATENT_OPTIONS, Architecture, check_shape

PARTS = ("encoder", "decoder")
GIVEN = ("image_shape", "latent_shape", "output_shape")


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
    """Build a model by name, compiled by its recipe.

    Args:
        name: an architecture (``residual``) or a preset (``residual/cifar10``).
        encoder: instead of a name, the architecture to take the encoder from.
        decoder: the architecture to take the decoder from.
        image_shape: ``(height, width, channels)``; a preset knows it.
        likelihood: in place of the recipe's: a name, a likelihood or a plain Keras loss.
        seed: makes weights and draws repeatable.
        encoder_config: options for the encoder alone.
        decoder_config: options for the decoder alone.
        **config: options of the architecture, such as ``latent_dim``.

    Returns:
        A compiled ``AutoEncoder``.

    Raises:
        UnknownNameError: no such name.
        TypeError: an unknown option, or no image shape.
        ValueError: an image shape or an option that is not valid.
        ArchitectureError: a builder is missing, raises, or gives a model of the wrong shape.

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
        preset = registry.preset(name)
        _check_image_shape(preset, image_shape)
        changed = replace(preset, config=merge_options(preset.config, config))
        return create_from_preset(
            changed, seed, likelihood=likelihood, encoder_config=encoder_config, decoder_config=decoder_config
        )
    first = registry.architecture(encoder if name is None else name)  # type: ignore[arg-type]
    second = first if decoder is None else registry.architecture(decoder)
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
    """Build a preset's model, compiled by its recipe; arguments and errors as in ``create_model``."""
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
        UnknownNameError: no such likelihood or optimizer.
        ArchitectureError: a builder cannot be imported.
    """
    likelihoods.get(preset.recipe.likelihood)
    _optimizer(preset.recipe)
    config = dict(preset.config)
    _take_latent(config)
    _check_options(config, (preset.architecture,))


def _optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    try:
        optimizer = keras.optimizers.get(recipe.optimizer)
    except ValueError:
        raise UnknownNameError(
            f"no optimizer is called {recipe.optimizer!r}: expected one that Keras knows, such as 'adam'"
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
    latent = _take_latent(config)
    _check_options(config, pair)
    for part, architecture, part_config in zip(PARTS, pair, part_configs, strict=True):
        _check_part_options(part_config, architecture, part)
    encoder_latent, decoder_latent = (
        default_latent_shape(item, shape) if latent is None else as_latent_shape(latent, shape) for item in pair
    )
    if encoder_latent != decoder_latent:
        raise ArchitectureError(
            f"encoder {first.name} has latent {encoder_latent}, decoder {second.name} has {decoder_latent}: expected "
            "equal ones; give both with latent_dim= or latent_shape="
        )
    output_shape = (*shape[:2], likelihood.output_channels(shape[2]))
    cls = _autoencoder_class(first)
    with _seeded(seed):
        encoder = _build(first, "encoder", (shape, encoder_latent), {**config, **part_configs[0]})
        decoder = _build(second, "decoder", (decoder_latent, output_shape), {**config, **part_configs[1]})
        model = cls(encoder, decoder, likelihood, recipe.binarization, seed=seed, provenance=_provenance(pair, preset))
    model.compile(_optimizer(recipe), kl_weight=recipe.kl_weight, free_bits=recipe.free_bits)
    return model


def build_encoder(
    architecture: Architecture,
    image_shape: Any,
    latent_shape: Any = None,
    config: Mapping[str, Any] | None = None,
) -> keras.Model:
    """Build and check an architecture's encoder; see ``Architecture.build_encoder``."""
    shape = check_shape(image_shape, "image_shape", rank=3)
    options = {**(config or {}), **({} if latent_shape is None else {"latent_shape": latent_shape})}
    latent = _take_latent(options)
    latent = default_latent_shape(architecture, shape) if latent is None else latent
    _check_options(options, (architecture,))
    return _build(architecture, "encoder", (shape, as_latent_shape(latent, shape)), options)


def build_decoder(
    architecture: Architecture, latent_shape: Any, output_shape: Any, config: Mapping[str, Any] | None = None
) -> keras.Model:
    """Build and check an architecture's decoder; see ``Architecture.build_decoder``."""
    shape = check_shape(output_shape, "output_shape", rank=3)
    options = {**(config or {}), "latent_shape": latent_shape}
    latent = _take_latent(options)
    _check_options(options, (architecture,))
    return _build(architecture, "decoder", (as_latent_shape(latent, shape), shape), options)


def as_latent_shape(value: Any, image_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Give a latent shape from an int, a tuple, or a function of the image shape."""
    if callable(value):
        value = value(image_shape)
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        value = (int(value),)
    return check_shape(value, "latent_shape")


def default_latent_shape(architecture: Architecture, image_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Give the latent shape that an architecture's defaults say."""
    for option in LATENT_OPTIONS:
        if option in architecture.defaults:
            try:
                return as_latent_shape(architecture.defaults[option], image_shape)
            except Exception as error:
                raise ArchitectureError(f"{_where(architecture)}: default {option}: {error}") from error
    raise TypeError(
        f"architecture {architecture.name} has no default latent size: give latent_dim= (an int) or latent_shape="
    )


def _take_latent(config: dict[str, Any]) -> Any:
    given = [config.pop(option) for option in LATENT_OPTIONS if option in config]
    if len(given) > 1:
        raise TypeError("latent_dim and latent_shape are given: expected one of them")
    return given[0] if given else None


def _check_image_shape(preset: Preset, image_shape: Any) -> None:
    expected = preset.dataset.image_shape
    if image_shape is not None and check_shape(image_shape, "image_shape", rank=3) != expected:
        raise ValueError(
            f"image_shape is {tuple(image_shape)}: preset {preset.name} has {expected}; for other images use "
            f"create_model({preset.architecture.name!r}, image_shape=...)"
        )


def _parameters(architecture: Architecture, part: str) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(_builder(architecture, part)).parameters


def _builder(architecture: Architecture, part: str) -> Callable[..., Any]:
    reference = getattr(architecture, part)
    try:
        return resolve_reference(reference)
    except Exception as error:
        raise ArchitectureError(
            f"{_where(architecture)}: {part} builder {reference!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error


def _options(architecture: Architecture, part: str) -> set[str]:
    """Give the names of the options that reach a builder."""
    names: set[str] = set()
    for name, parameter in _parameters(architecture, part).items():
        if parameter.kind is parameter.VAR_KEYWORD:
            names.update(architecture.defaults)
        elif parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            names.add(name)
    return names.difference(GIVEN, LATENT_OPTIONS)


def _check_options(config: Mapping[str, Any], architectures: tuple[Architecture, ...]) -> None:
    valid = sorted(set().union(*(_options(architecture, part) for architecture in architectures for part in PARTS)))
    names = " and ".join(dict.fromkeys(architecture.name for architecture in architectures))
    _refuse_unknown(config, [*LATENT_OPTIONS, *valid], names)


def _check_part_options(config: Mapping[str, Any], architecture: Architecture, part: str) -> None:
    # The latent's size belongs to both parts.
    _refuse_unknown(config, sorted(_options(architecture, part)), f"the {part} of {architecture.name}")


def _refuse_unknown(config: Mapping[str, Any], valid: list[str], where: str) -> None:
    for key in config:
        if key not in valid:
            raise TypeError(f"unknown option {key!r} for {where}: expected one of {', '.join(valid)}")


def _build(architecture: Architecture, part: str, shapes: tuple[Any, Any], config: Mapping[str, Any]) -> keras.Model:
    builder = _builder(architecture, part)
    parameters = inspect.signature(builder).parameters
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    options = {**architecture.defaults, **config}
    wanted = {
        key: value for key, value in options.items() if key not in LATENT_OPTIONS and (key in parameters or takes_all)
    }
    # New lists and dicts: what the builder does to them must not reach the defaults or the other builder.
    wanted = keras.tree.map_structure(lambda value: value, wanted)
    try:
        model = builder(*shapes, **wanted)
    except Exception as error:
        raise ArchitectureError(
            f"{_where(architecture)}: build_{part}{shapes} raised {type(error).__name__}: {error}"
        ) from error
    _check_model(model, architecture, part, shapes)
    return model


def _check_model(model: Any, architecture: Architecture, part: str, shapes: tuple[Any, Any]) -> None:
    where = f"{_where(architecture)}: build_{part}{shapes}"
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ArchitectureError(f"{where} gave {model!r}: expected a functional or Sequential keras.Model")
    given, result = shapes
    taken = tuple(model.input_shape[1:])
    fits = len(taken) == len(given) and all(n is None or n == m for n, m in zip(taken, given, strict=True))
    if not fits:
        raise ArchitectureError(f"{where} takes {taken}: expected {given}")
    # Not model.output_shape, which gives a list for a dict of outputs.
    outputs = keras.tree.map_structure(lambda tensor: tuple(tensor.shape), model.compute_output_spec(model.inputs[0]))
    expected: Any = result
    got: Any = outputs
    if part == "encoder":
        expected = [result, result]
        got = [tuple(s[1:]) for s in outputs] if all(isinstance(s, tuple | list) for s in outputs) else outputs
    elif all(isinstance(n, int | None) for n in outputs):
        got = tuple(outputs[1:])
    if got != expected:
        shown = f"(mean, std) of shapes {expected}" if part == "encoder" else f"one tensor of shape {expected}"
        raise ArchitectureError(f"{where} gives {got}: expected {shown}")


def _where(architecture: Architecture) -> str:
    plugin = architecture.plugin
    return f"architecture {architecture.name}" + (f" of plugin {plugin.name}" if plugin else "")


def _autoencoder_class(architecture: Architecture) -> type[AutoEncoder]:
    if architecture.autoencoder is None:
        return AutoEncoder
    try:
        cls = resolve_reference(architecture.autoencoder)
    except Exception as error:
        raise ArchitectureError(
            f"{_where(architecture)}: autoencoder {architecture.autoencoder!r} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(cls, type) or not issubclass(cls, AutoEncoder):
        raise ArchitectureError(
            f"{_where(architecture)}: autoencoder is {cls!r}: expected a subclass of zoo.AutoEncoder"
        )
    return cls


def _provenance(pair: tuple[Architecture, Architecture], preset: str | None) -> dict[str, Any]:
    parts: dict[str, Any] = {"preset": preset}
    for part, architecture in zip(PARTS, pair, strict=True):
        plugin = architecture.plugin or PluginRecord(architecture.name, "unregistered")
        parts[part] = {
            "architecture": architecture.name,
            "plugin": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
        }
    return parts


@contextlib.contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """Seed what Keras draws initial values' seeds from, and put it back."""
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
    """Count the parameters of encoder and decoder, trainable or not."""
    return sum(math.prod(weight.shape) for part in (model.encoder, model.decoder) for weight in part.weights)
