"""Checks that an encoder and a decoder are models that fit together."""

from __future__ import annotations

from typing import Any

import keras

POSTERIORS = ("gaussian", "point", "hierarchical")


def check_pair(encoder: Any, decoder: Any, posterior: str) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Check an encoder and a decoder.

    Args:
        encoder: the object passed as the encoder.
        decoder: the object passed as the decoder.
        posterior: ``gaussian``, ``point`` or ``hierarchical``; see ``AutoEncoder``.

    Returns:
        The shape of an image and the shape of its latent.

    Raises:
        ValueError: one is not a built functional or Sequential model, or their shapes differ.
    """
    _check_built(encoder, decoder)
    shapes = _posterior_shapes(encoder.output_shape, posterior)
    if len(encoder.inputs) != 1 or len(encoder.input_shape) != 4:
        raise ValueError(
            f"the encoder's input is {encoder.input_shape}: expected images (batch, height, width, channels)"
        )
    return tuple(encoder.input_shape[1:]), _find_latent(shapes, decoder.input_shape)


def check_conditional_pair(encoder: Any, decoder: Any, posterior: str) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Check an encoder and a decoder that also take labels; arguments, result and errors as in ``check_pair``."""
    _check_built(encoder, decoder)
    for part, model, rank, what in (("encoder", encoder, 4, "images (batch, height, width, channels)"),
                                    ("decoder", decoder, None, "z (batch, *latent_shape)")):  # fmt: skip
        given = [tuple(it.shape) for it in model.inputs]
        if len(given) != 2 or len(given[1]) != 1 or (rank and len(given[0]) != rank):
            raise ValueError(f"the {part}'s inputs are {given}: expected {what} and labels (batch,)")
    shapes = _posterior_shapes(encoder.output_shape, posterior)
    return tuple(encoder.inputs[0].shape[1:]), _find_latent(shapes, decoder.inputs[0].shape)


def _check_built(encoder: Any, decoder: Any) -> None:
    for part, model in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
            raise ValueError(
                f"{part} is {model!r}: expected a built functional or Sequential keras.Model; wrap a layer as "
                "keras.Model(inputs, layer(inputs))"
            )


def _find_latent(shapes: dict[str, tuple[int, ...]], taken: tuple[int | None, ...]) -> tuple[Any, ...]:
    """Return the latent's shape, which the decoder takes; ``ValueError`` if it is not what the encoder outputs."""
    latent = tuple(taken[1:])
    if any(shape != latent for shape in shapes.values()):
        given = " and ".join(f"{what} {shape}" for what, shape in shapes.items())
        raise ValueError(f"the encoder outputs {given}, the decoder takes {latent}: expected equal latent shapes")
    return latent


def _posterior_shapes(output: Any, posterior: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the encoder's outputs, by name."""
    one = isinstance(output, tuple) and all(isinstance(n, int | None) for n in output)
    if posterior == "hierarchical":  # Features of any shape, which the groups of the decoder name.
        return {}
    if posterior == "point":
        if not one:
            raise ValueError(f"the encoder's output is {output}: expected one tensor, z, for a point posterior")
        return {"z": output[1:]}
    if one or not isinstance(output, list | tuple) or len(output) != 2 or not all(isinstance(s, tuple) for s in output):
        raise ValueError(
            f"the encoder's output is {output}: expected two tensors (mean, std), as from zoo.layers.GaussianHead"
        )
    return {"mean": tuple(output[0][1:]), "std": tuple(output[1][1:])}
