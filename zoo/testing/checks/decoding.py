"""Checks of what the decoder outputs: the raw parameters of the likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.testing.rule import check, require
from zoo.testing.subject import to_numpy

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

DRAWS = 128
SPREAD = 3.0  # Standard deviation of z: wider than the prior, so that rectifiers are active for some z.
LOUDER = 1e3
LAST = 4  # Number of last layers, one of which must move each channel.


def _draw(subject: Subject) -> np.ndarray:
    shape = (DRAWS, *subject.example.latent_shape)
    return (SPREAD * np.random.default_rng(0).standard_normal(shape)).astype("float32")


def _decode(decoder: Any, z: np.ndarray) -> np.ndarray:
    return to_numpy(decoder(z, training=False))


@check()
def check_decoder_is_linear(subject: Subject) -> None:
    """No channel of the decoder's output is bounded: with larger last weights it goes far below 0 and above 1."""
    decoder = subject.example.decoder
    bounded = _find_bounded(decoder, _draw(subject))
    count = decoder.output_shape[-1]
    require(
        not bounded,
        f"{len(bounded)} of {count} channels of the decoder's output stay within bounds, however large its last "
        f"weights are ({', '.join(map(str, bounded[:10]))}): remove the final activation (sigmoid, tanh, relu, "
        "softmax, clip); the likelihood maps raw values to images",
    )


def _find_bounded(decoder: Any, z: np.ndarray) -> list[int]:
    """Return the channels that grow in both directions with the weights of none of the last layers."""
    groups: dict[str, list[Any]] = {}
    for weight in decoder.trainable_weights:
        groups.setdefault(weight.path.rpartition("/")[0], []).append(weight)
    bounded = np.ones(decoder.output_shape[-1], bool)
    for group in list(groups.values())[: -1 - LAST : -1]:
        bounded &= ~_grows(decoder, z, group)
        if not bounded.any():
            break
    return [int(channel) for channel in np.flatnonzero(bounded)]


def _grows(decoder: Any, z: np.ndarray, weights: list[Any]) -> np.ndarray:
    """Return for each channel whether it follows these weights far below 0 and above 1."""
    before = [to_numpy(weight) for weight in weights]
    random = np.random.default_rng(0)
    # Weights initialised to zero, such as biases, would stay there.
    moved = [value + 0.01 * random.standard_normal(value.shape).astype("float32") for value in before]
    outputs = []
    try:
        for factor in (LOUDER, -LOUDER, 10 * LOUDER):
            for weight, value in zip(weights, moved, strict=True):
                weight.assign(factor * value)
            given = _decode(decoder, z)
            outputs.append(given.reshape(-1, given.shape[-1]))
    finally:
        for weight, value in zip(weights, before, strict=True):
            weight.assign(value)
    loud, turned, louder = outputs
    both = np.concatenate([loud, turned])
    with np.errstate(invalid="ignore"):
        follows = np.abs(louder).max(axis=0) > 5 * np.abs(loud).max(axis=0)
        found: np.ndarray = (both.min(axis=0) < 0) & (both.max(axis=0) > 1.5) & follows
    return found


@check()
def check_latent_reaches_every_output(subject: Subject) -> None:
    """Every pixel of the decoder's output depends on z in at least one channel; a scale may be the same for all z."""
    given = _decode(subject.example.decoder, _draw(subject))
    still = (np.ptp(given, axis=0) == 0).all(axis=-1)
    require(
        not still.any(),
        f"{int(still.sum())} of {still.size} pixels of the decoder's output are the same for {DRAWS} different z: let "
        "z reach every pixel (a padding, a crop or a concatenation with constants may cut some off)",
    )


@check()
def check_every_latent_reaches_the_output(subject: Subject) -> None:
    """Every latent changes the decoder's output."""
    z = _draw(subject)[:1]
    decoder = subject.example.decoder
    latents = z[0].size
    # One latent at a time; for large latents, a hundred of them, evenly spaced.
    chosen = np.unique(np.linspace(0, latents - 1, min(latents, 100)).astype(int))
    moved = np.repeat(z.reshape(1, -1), len(chosen), axis=0)
    moved[np.arange(len(chosen)), chosen] += SPREAD
    given = _decode(decoder, np.concatenate([z, moved.reshape(-1, *z.shape[1:])]))
    idle = [int(latent) for latent, row in zip(chosen, given[1:], strict=True) if np.array_equal(row, given[0])]
    require(
        not idle,
        f"the latents {idle[:10]}{'...' if len(idle) > 10 else ''} of {latents} do not change the decoder's "
        "output: use all of z",
    )
