"""Calling an architecture's builders with their options, and checking the encoder and decoder that they return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from zoo.autoencoder.precision import training_policy
from zoo.errors import ArchitectureError, one_line
from zoo.factory.checks import check_built
from zoo.factory.options import as_latent_shape, check_options, choose_latent_shape, take_latent
from zoo.factory.resolve import LABELS, Resolved, describe, resolve
from zoo.registry.fields import check_shape
from zoo.registry.isolation.calls import called
from zoo.registry.signatures import explain_arguments, explain_drawing
from zoo.registry.specs import LATENT_OPTIONS, Architecture


def build_encoder(
    architecture: Architecture,
    image_shape: Any,
    latent_shape: Any = None,
    config: Mapping[str, Any] | None = None,
) -> keras.Model:
    """Build and check an architecture's encoder; see ``Architecture.build_encoder``."""
    shape = check_shape(image_shape, "image_shape", rank=3)
    architecture.check_takes(shape)
    options = {**(config or {}), **({} if latent_shape is None else {"latent_shape": latent_shape})}
    latent, resolved = take_latent(options), resolve(architecture)
    check_options(options, (resolved,))
    return build_part(resolved, "encoder", (shape, choose_latent_shape(architecture, shape, latent, options)), options)


def build_decoder(
    architecture: Architecture, latent_shape: Any, output_shape: Any, config: Mapping[str, Any] | None = None
) -> keras.Model:
    """Build and check an architecture's decoder; see ``Architecture.build_decoder``."""
    shape = check_shape(output_shape, "output_shape", rank=3)
    architecture.check_takes((*shape[:2], None))
    options = {**(config or {}), "latent_shape": latent_shape}
    latent, resolved = take_latent(options), resolve(architecture)
    check_options(options, (resolved,))
    return build_part(resolved, "decoder", (as_latent_shape(latent, shape), shape), options)


def build_part(
    resolved: Resolved, part: str, shapes: tuple[Any, Any], config: Mapping[str, Any], labels: Any = None
) -> keras.Model:
    """Build and check one part.

    Args:
        resolved: the architecture that the part belongs to.
        part: ``encoder`` or ``decoder``.
        shapes: the shapes of the input and of the output.
        config: options that override the architecture's defaults; the builder gets those that it has parameters for.
        labels: for a builder that names them, a tensor that stands for the vectors of labels; None: there are none.

    Returns:
        The model; with labels, it takes them as its second input.

    Raises:
        ArchitectureError: the builder is missing, raises, or returns a model of the wrong shape.
    """
    architecture, builder = resolved.architecture, resolved.encoder if part == "encoder" else resolved.decoder
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in builder.parameters.values())
    options = {**architecture.defaults_for(shapes[0] if part == "encoder" else shapes[1]), **config}
    wanted = {
        key: value
        for key, value in options.items()
        if key not in LATENT_OPTIONS and (key in builder.parameters or takes_all)
    }
    # Copies of lists and dicts: the builder's changes must not affect the defaults or the other builder.
    wanted = keras.tree.map_structure(lambda value: value, wanted)
    if builder.takes_labels:
        wanted[LABELS] = labels
    where = f"{describe(architecture)}: build_{part}{shapes}"
    try:
        with training_policy(), called(where):
            model = builder.function(*shapes, **wanted)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        way_out = explain_arguments(list(builder.parameters), part) or explain_drawing(error, part)
        raise ArchitectureError(f"{where} raised {type(error).__name__}: {one_line(error)}", way_out) from error
    cls = resolved.model_class
    check_built(model, where, shapes, part, cls, labels=labels is not None)
    return model
