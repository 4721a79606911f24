"""Checks that a builder returned an encoder or a decoder, with advice for its author if it did not."""

from __future__ import annotations

from typing import Any

import keras

from zoo.autoencoder.model import AutoEncoder
from zoo.errors import ArchitectureError

LIST = "end the builder with return keras.Model(images, [mean, std]), or with zoo.layers.GaussianHead(latent_shape)"


def check_built(
    model: Any, where: str, shapes: tuple[Any, Any], part: str, model_class: type[AutoEncoder], *, labels: bool = False
) -> None:
    """Check what a builder returned.

    Args:
        model: the returned object.
        where: the call, for messages.
        shapes: the shapes of the input and of the output.
        part: ``encoder`` or ``decoder``.
        model_class: the class of the model, whose ``posterior`` says what the encoder must output.
        labels: whether it must take the vectors of labels too.

    Raises:
        ArchitectureError: it is not a functional model, or has other shapes.
    """
    _check_kind(model, where, "z" if part == "decoder" else "images")
    given, result = shapes
    if labels and len(model.inputs) != 2:
        first = "z" if part == "decoder" else "images"
        raise ArchitectureError(
            f"{where} takes {len(model.inputs)} inputs: expected {first} and labels, since the builder names labels",
            f"end the builder with return keras.Model([{first}, labels], ...) where labels is not None",
        )
    taken = tuple(model.inputs[0].shape[1:]) if labels else tuple(model.input_shape[1:])
    fits = len(taken) == len(given) and all(n is None or n == m for n, m in zip(taken, given, strict=True))
    if not fits:
        raise ArchitectureError(f"{where} takes {taken}: expected {given}")
    if part == "encoder" and model_class.posterior == "hierarchical":
        return  # Features of any shape, which the model compares with those that the decoder's groups use.
    given_to = model.inputs if labels else model.inputs[0]
    # Not model.output_shape, which is a list for a dict of outputs.
    outputs = keras.tree.map_structure(lambda tensor: tuple(tensor.shape), model.compute_output_spec(given_to))
    is_one = all(isinstance(n, int | None) for n in outputs)
    got: Any = outputs
    if is_one:
        got = tuple(outputs[1:])
    elif all(isinstance(shape, tuple | list) for shape in outputs):
        got = [tuple(shape[1:]) for shape in outputs]
    gaussian = part == "encoder" and model_class.posterior == "gaussian"
    expected: Any = [result, result] if gaussian else result
    if got != expected:
        shown = f"(mean, std) of shapes {expected}" if gaussian else f"one tensor of shape {result}"
        if part == "encoder" and not gaussian:
            shown += f", z, since {model_class.__name__} has a point posterior"
        way_out = _explain_outputs(outputs, is_one=is_one) if gaussian else None
        raise ArchitectureError(f"{where} outputs {got}: expected {shown}", way_out)


def _check_kind(model: Any, where: str, argument: str) -> None:
    if isinstance(model, keras.Model) and getattr(model, "inputs", None):
        return
    way_out = None
    if model is None:
        way_out = "end the builder with return keras.Model(...)"
    elif isinstance(model, keras.Layer):
        shape = "latent_shape" if argument == "z" else "image_shape"
        way_out = f"wrap it: {argument} = keras.Input({shape}); return keras.Model({argument}, network({argument}))"
    raise ArchitectureError(
        f"{where} returned {_name(model)}: expected a functional or Sequential keras.Model", way_out
    )


def _name(model: Any) -> str:
    if isinstance(model, keras.Model):
        return f"a subclassed model, {type(model).__name__}"
    return f"a layer, {type(model).__name__}" if isinstance(model, keras.Layer) else repr(model)


def _explain_outputs(outputs: Any, *, is_one: bool) -> str | None:
    """Return how to output mean and standard deviation instead; None if only the shapes are wrong."""
    if isinstance(outputs, dict):
        return f"{LIST}: z is drawn by the zoo" if len(outputs) > 2 else LIST
    if is_one:
        return (
            "end it with zoo.layers.GaussianHead(latent_shape); if this is z drawn from mean and standard deviation, "
            "return those two, and the zoo draws z; if its latent is not Gaussian, set the "
            'architecture\'s autoencoder= to a subclass of zoo.AutoEncoder with posterior = "point"'
        )
    if len(outputs) > 2:
        return f"{LIST}: z is drawn by the zoo"
    return None
