"""Checks of what the decoder gives: the raw parameters of the likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.testing.rule import check, require
from zoo.testing.subject import is_container, walk_layers

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

DRAWS = 128
SPREAD = 3.0  # Standard deviations of z: wider than the prior, so that no rectifier hides what it lets through.
LOUDER = 1e3


def _draw(subject: Subject) -> np.ndarray:
    shape = (DRAWS, *subject.example.latent_shape)
    return (SPREAD * np.random.default_rng(0).standard_normal(shape)).astype("float32")


def _decode(decoder: Any, z: np.ndarray) -> np.ndarray:
    from keras import ops

    return np.asarray(ops.convert_to_numpy(decoder(z, training=False)))


@check()
def check_decoder_is_linear(subject: Subject) -> None:
    """The decoder's last step has no activation: with larger weights its output goes below 0 and above 1."""
    decoder = subject.example.decoder
    before = decoder.get_weights()
    layers = [layer for layer in walk_layers(decoder) if layer.trainable_weights and not is_container(layer)]
    last = layers[-1] if layers else None
    try:
        for weight in [] if last is None else last.trainable_weights:
            weight.assign(weight * LOUDER)
        given = _decode(decoder, _draw(subject))
    finally:
        decoder.set_weights(before)
    low, high = float(given.min()), float(given.max())
    require(
        low < 0 and high > 1.5,
        f"the decoder's output stays between {low:.3g} and {high:.3g}, however large its last weights are: take the "
        "activation (sigmoid, tanh, relu, softmax, clip) off its end; the likelihood maps raw values to images",
    )


@check()
def check_latent_reaches_every_output(subject: Subject) -> None:
    """Every value that the decoder gives depends on z."""
    given = _decode(subject.example.decoder, _draw(subject))
    still = np.ptp(given, axis=0) == 0
    require(
        not still.any(),
        f"{int(still.sum())} of {still.size} values of the decoder's output are the same for {DRAWS} different z: let "
        "z reach every pixel and channel (a padding, a crop or a concatenation with constants may cut some off)",
    )


@check()
def check_every_latent_reaches_the_output(subject: Subject) -> None:
    """Every latent changes what the decoder gives."""
    z = _draw(subject)[:1]
    decoder = subject.example.decoder
    latents = z[0].size
    # One latent at a time; of maps a hundred of them, spread evenly.
    chosen = np.unique(np.linspace(0, latents - 1, min(latents, 100)).astype(int))
    moved = np.repeat(z.reshape(1, -1), len(chosen), axis=0)
    moved[np.arange(len(chosen)), chosen] += SPREAD
    given = _decode(decoder, np.concatenate([z, moved.reshape(-1, *z.shape[1:])]))
    idle = [int(latent) for latent, row in zip(chosen, given[1:], strict=True) if np.array_equal(row, given[0])]
    require(
        not idle,
        f"the latents {idle[:10]}{'...' if len(idle) > 10 else ''} of {latents} change nothing of the decoder's "
        "output: use all of z",
    )
