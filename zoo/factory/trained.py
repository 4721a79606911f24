"""Building a model from a folder of trained weights: the network comes from the registry, the folder gives arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

from zoo import likelihoods
from zoo.autoencoder.arrays import check_size, set_arrays
from zoo.autoencoder.model import AutoEncoder
from zoo.errors import ModelLoadError, UnknownNameError, one_line
from zoo.factory.assemble import assemble, parameter_count
from zoo.factory.conditional import build
from zoo.factory.options import as_latent_shape, check_options, take_latent
from zoo.factory.parts import build_decoder, build_encoder
from zoo.factory.resolve import resolve
from zoo.registry import catalogue
from zoo.registry.fields import check_shape
from zoo.registry.recipe import Recipe
from zoo.registry.record import canonical_name
from zoo.registry.specs import Architecture
from zoo.weights.config import Origin, WeightsConfig
from zoo.weights.folder import ARRAYS_FILE, CONFIG_FILE, WeightsFolder
from zoo.weights.sources import find_weights


def create_trained(
    name: str,
    source: str | Path,
    *,
    image_shape: Any = None,
    likelihood: Any = None,
    seed: int | None = None,
    conditional: bool | None = None,
    classes: int | None = None,
    config: Mapping[str, Any] | None = None,
) -> AutoEncoder:
    """Build a model with trained weights; arguments and errors as in ``create_model``.

    Raises:
        TypeError: an unknown option.
        ValueError: an option, the image shape or the likelihood is not that of the weights.
    """
    if not isinstance(source, str | Path):
        raise TypeError(f"weights is {source!r}: expected 'default', a tag, a folder or 'hf://user/repo@revision'")
    preset = catalogue.preset(name) if not isinstance(name, str) or "/" in name else None
    architecture = catalogue.architecture(name) if preset is None else preset.architecture
    found = find_weights(source, preset)
    if found.config.architecture != architecture.name:
        raise ModelLoadError(
            f"{found.path} has the weights of {found.config.preset}: expected those of {architecture.name}"
        )
    for what, given, stored in (
        ("conditional", conditional, found.config.classes is not None), ("classes", classes, found.config.classes),
    ):  # fmt: skip
        if given is not None and given != stored:
            raise _contradiction(found, what, given, stored)
    _check_given(found, architecture, image_shape, likelihood, dict(config or {}))
    return load_weights_folder(found, seed=seed)


def load_weights_folder(folder: WeightsFolder, *, seed: int | None = None) -> AutoEncoder:
    """Build the model of a weights folder, which may come from elsewhere.

    Args:
        folder: the folder; nothing that it names is imported, and nothing in it is run.
        seed: the seed of the model's draws; by default that of the run, so that its scores are reproduced.

    Returns:
        The model, compiled with its recipe; ``provenance`` says which weights it has.

    Raises:
        ModelLoadError: a file is damaged, or the arrays are not those of the model that it describes.
    """
    config, arrays = folder.config, folder.read_arrays()
    where, file = folder.path / CONFIG_FILE, folder.path / ARRAYS_FILE
    architecture = _find_architecture(config, where)
    try:
        known = {key: value for key, value in config.recipe.items() if key != "callbacks"}
        recipe = Recipe().replace(**known)
        likelihood = likelihoods.get(recipe.likelihood)
        check_size(arrays, lambda: _build_parts(architecture, config, likelihood), file)
        model = assemble(
            (architecture, architecture), config.image_shape, dict(config.options), ({}, {}), likelihood, recipe,
            config.seed if seed is None else seed, config.preset, config.classes,
        )  # fmt: skip
    except ModelLoadError:
        raise
    except Exception as error:  # Keras, and plugins' classes, may raise anything for options that are not theirs.
        raise ModelLoadError(f"{where} describes no model that can be built here: {one_line(error)}") from error
    if parameter_count(model) != config.parameters:
        raise ModelLoadError(
            f"{where} has parameters {config.parameters:,}: its options give a model of {parameter_count(model):,}: "
            "publish the run again, or use other weights"
        )
    if model.latent_shape != config.latent_shape:
        raise ModelLoadError(f"{where} has latent_shape {config.latent_shape}: its options give {model.latent_shape}")
    set_arrays(model, arrays, file)
    model.provenance = {
        **(model.provenance or {}),
        "trained_on": config.dataset if config.dataset in catalogue.list_datasets() else None,
        "weights": {"source": folder.source, "tag": config.tag, "sha256": folder.sha256},
    }
    return model


def _build_parts(
    architecture: Architecture, config: WeightsConfig, likelihood: likelihoods.Likelihood
) -> Iterator[keras.Model]:
    height, width, channels = config.image_shape
    options = dict(config.options)
    latent = take_latent(options)
    latent_shape = None if latent is None else as_latent_shape(latent, config.image_shape)
    check_options(options, (resolve(architecture),))
    parts = (resolve(architecture).encoder, resolve(architecture).decoder)
    taken = [{key: value for key, value in options.items() if key in part.options} for part in parts]
    if config.classes is not None:
        resolved, output = resolve(architecture), (height, width, likelihood.output_channels(channels))
        yield build(resolved, "encoder", (config.image_shape, config.latent_shape), taken[0], config.classes)
        yield build(resolved, "decoder", (config.latent_shape, output), taken[1], config.classes)
        return
    yield build_encoder(architecture, config.image_shape, latent_shape, taken[0])
    yield build_decoder(
        architecture, config.latent_shape, (height, width, likelihood.output_channels(channels)), taken[1]
    )


def _find_architecture(config: WeightsConfig, where: Path) -> Architecture:
    plugin = config.plugin or Origin("unknown", None, None)
    install = f"install {plugin.distribution}=={plugin.version}" if plugin.distribution else "run the code that has it"
    try:
        found = catalogue.architecture(config.architecture)
    except UnknownNameError:
        raise ModelLoadError(
            f"{where}: architecture {config.architecture!r} of plugin {plugin.name!r} is missing: {install}"
        ) from None
    here = found.plugin.distribution if found.plugin else None
    if plugin.distribution is not None and canonical_name(here) != canonical_name(plugin.distribution):
        origin = found.plugin.origin if found.plugin else "nowhere known"
        raise ModelLoadError(
            f"{where}: architecture {found.name} is one of {plugin.distribution}, here it is a different one, from "
            f"{origin}: {install}"
        )
    if config.dataset in catalogue.list_datasets():
        expected = catalogue.dataset(config.dataset).image_shape
        if config.image_shape != expected:
            raise ModelLoadError(f"{where} has image_shape {config.image_shape}: {config.dataset} has {expected}")
    return found


def _check_given(
    found: WeightsFolder, architecture: Architecture, image_shape: Any, likelihood: Any, given: dict[str, Any]
) -> None:
    """Raise ``ValueError`` if what the caller asks for is not what the weights are of."""
    config = found.config
    if image_shape is not None and check_shape(image_shape, "image_shape", rank=3) != config.image_shape:
        raise _contradiction(found, "image_shape", tuple(image_shape), config.image_shape)
    asked = None if likelihood is None else likelihoods.get(likelihood).identifier
    if asked is not None and asked != likelihoods.get(config.likelihood).identifier:
        raise _contradiction(found, "likelihood", asked, config.likelihood)
    latent = take_latent(given)
    latent_shape = None if latent is None else as_latent_shape(latent, config.image_shape)
    if latent_shape is not None and latent_shape != config.latent_shape:
        raise _contradiction(found, "the latent shape", latent_shape, config.latent_shape)
    check_options(given, (resolve(architecture),))
    for key, value in given.items():
        if not _same(value, config.options.get(key)):
            raise _contradiction(found, key, value, config.options.get(key))


def _contradiction(found: WeightsFolder, what: str, value: Any, expected: Any) -> ValueError:
    return ValueError(
        f"{what} is {value!r}: the trained weights of {found.config.name} are for {expected!r}: leave it out, or train "
        "a model of your own (zoo.train)"
    )


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, list | tuple) and isinstance(other, list | tuple):
        return len(value) == len(other) and all(map(_same, value, other))
    return bool(value == other)
