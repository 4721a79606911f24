"""Masked autoencoders for distribution estimation: networks whose outputs see the inputs before them alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
MOST_LOG_SCALE = 3.0  # Of one block: no output is stretched beyond exp(3).
HIDDEN = 2


def degrees(latents: int, width: int, block: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the places of inputs and hidden units in the order of a block (Germain et al. 2015, section 4).

    A unit of degree d sees the inputs up to degree d. The order is reversed in every second block.
    """
    inputs = np.arange(1, latents + 1)
    return inputs[::-1] if block % 2 else inputs, 1 + np.arange(width) % max(1, latents - 1)


def masks(latents: int, width: int, block: int) -> dict[str, Array]:
    """Return the masks of a block's kernels: which input of a layer each of its units may see."""
    inputs, hidden = degrees(latents, width, block)
    output = (inputs[None] > hidden[:, None]).astype(np.float64)
    return {
        "kernel_0": (hidden[None] >= inputs[:, None]).astype(np.float64),
        "kernel_1": (hidden[None] >= hidden[:, None]).astype(np.float64),
        "kernel_shift": output,
        "kernel_log_scale": output,
    }


def shapes(latents: int, width: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a block's arrays."""
    return {
        "kernel_0": (latents, width),
        "bias_0": (width,),
        "kernel_1": (width, width),
        "bias_1": (width,),
        "kernel_shift": (width, latents),
        "bias_shift": (latents,),
        "kernel_log_scale": (width, latents),
        "bias_log_scale": (latents,),
    }


class Block:
    """One invertible block in float64: u = (x - shift(x)) exp(-log scale(x)), each seeing the x before it.

    Args:
        arrays: those that ``shapes`` names; what masks exclude is ignored.
        block: its number, from 0.
    """

    def __init__(self, arrays: dict[str, Array], block: int) -> None:
        latents, width = arrays["kernel_0"].shape
        self.arrays = arrays | {name: arrays[name] * mask for name, mask in masks(latents, width, block).items()}
        self.inputs, self.hidden = degrees(latents, width, block)

    def forward(self, x: Array) -> tuple[Array, Array]:
        """Return u and log |det du/dx|: ``(n, latents)`` and ``(n,)``."""
        own = self.arrays
        first = np.maximum(x @ own["kernel_0"] + own["bias_0"], 0.0)
        second = np.maximum(first @ own["kernel_1"] + own["bias_1"], 0.0)
        log_scale = _bound(second @ own["kernel_log_scale"] + own["bias_log_scale"])
        u: Array = (x - second @ own["kernel_shift"] - own["bias_shift"]) * np.exp(-log_scale)
        return u, -log_scale.sum(axis=1)

    def inverse(self, u: Array) -> Array:
        """Return x, ``(n, latents)``; each hidden unit is computed once, as soon as all that it sees is there."""
        own, count = self.arrays, len(u)
        x, first, second = np.zeros_like(u), *(np.zeros((count, len(self.hidden))) for _ in range(HIDDEN))
        for place in range(1, len(self.inputs) + 1):
            latent = int(np.flatnonzero(self.inputs == place)[0])
            log_scale = _bound(second @ own["kernel_log_scale"][:, latent] + own["bias_log_scale"][latent])
            shift = second @ own["kernel_shift"][:, latent] + own["bias_shift"][latent]
            x[:, latent] = u[:, latent] * np.exp(log_scale) + shift
            units = self.hidden == place
            first[:, units] = np.maximum(x @ own["kernel_0"][:, units] + own["bias_0"][units], 0.0)
            second[:, units] = np.maximum(first @ own["kernel_1"][:, units] + own["bias_1"][units], 0.0)
        return x


def _bound(values: Array) -> Array:
    bounded: Array = MOST_LOG_SCALE * np.tanh(values / MOST_LOG_SCALE)
    return bounded
