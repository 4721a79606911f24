"""A network of masked convolutions over a map of codes, each of which sees those before it, row by row.

Where several codebooks have a code each at every place of the map, the convolutions see the sum of what these are read
as, and each of the codes, in addition, those before it at its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
FIRST, LATER = 5, 3  # Sides of the kernels.
_AT_ONCE = 1000  # Maps: more would take much memory.


def mask(side: int, *, itself: bool) -> Array:
    """Return the mask of a kernel ``(side, side, 1, 1)``: what is before the middle, and the middle ``itself`` or not.

    Van den Oord et al. (2016, section 3.4): the first convolution must not see the code that it predicts; what later
    ones see at its place has not seen it.
    """
    flat = np.zeros(side * side)
    flat[: side * side // 2 + itself] = 1.0
    return flat.reshape(side, side, 1, 1)


def named(array: str, stage: int) -> str:
    """Return what an array is called that each of the codes at a place has."""
    return array if stage == 0 else f"{array}_{stage}"


def shapes(codes: int, embedding: int, width: int, blocks: int, stages: int = 1) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the network's arrays, for ``stages`` codes at a place."""
    found: dict[str, tuple[int, ...]] = {
        "embedding": (codes, embedding),
        "kernel_first": (FIRST, FIRST, embedding, width),
        "bias_first": (width,),
        "kernel_out": (width, codes),
        "bias_out": (codes,),
    }
    for block in range(blocks):
        found |= {
            f"kernel_{block}": (LATER, LATER, width, width),
            f"bias_{block}": (width,),
            f"kernel_{block}_out": (width, width),
            f"bias_{block}_out": (width,),
        }
    for stage in range(1, stages):
        found |= {named(name, stage): found[name] for name in ("embedding", "kernel_out", "bias_out")}
        # What the code before it adds to what a code is predicted from.
        found[named("before", stage)] = (codes, width)
    return found


class CodeNetwork:
    """The network, one position after the other, so that each is computed once, also while codes are drawn.

    Args:
        arrays: those that ``shapes`` names; what masks exclude is ignored.
        blocks: the number of residual blocks.
        size: height and width of the map.
        stages: the number of codes at a place.
    """

    def __init__(self, arrays: dict[str, Array], blocks: int, size: tuple[int, int], stages: int = 1) -> None:
        self.arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
        self.blocks, self.size, self.stages = blocks, size, stages
        self.first = _rows_above(arrays["kernel_first"] * mask(FIRST, itself=False))
        self.later = [_rows_above(arrays[f"kernel_{n}"] * mask(LATER, itself=True)) for n in range(blocks)]

    def draw(self, n: int, generator: np.random.Generator) -> Whole:
        """Return codes ``(n, height, width, stages)``."""
        found = []
        for start in range(0, n, _AT_ONCE):
            count = min(_AT_ONCE, n - start)
            shares = generator.random((math.prod(self.size) * self.stages, count))

            def choose(position: int, log_probs: Array, shares: Array = shares) -> Whole:
                cumulative = np.cumsum(np.exp(log_probs), axis=1)
                below = cumulative < (shares[position] * cumulative[:, -1])[:, None]
                chosen: Whole = below[:, :-1].sum(axis=1)
                return chosen

            found.append(self._follow(count, choose)[0])
        return np.concatenate(found)

    def log_prob(self, codes: Whole) -> Array:
        """Return the log probability of codes ``(n, height, width, stages)``: ``(n,)``, nats."""
        flat, found = codes.reshape(len(codes), -1), []
        for start in range(0, len(flat), _AT_ONCE):

            def choose(position: int, log_probs: Array, part: Whole = flat[start : start + _AT_ONCE]) -> Whole:
                return part[:, position]

            found.append(self._follow(min(_AT_ONCE, len(flat) - start), choose)[1])
        return np.concatenate(found)

    def _follow(self, n: int, choose: Callable[[int, Array], Whole]) -> tuple[Whole, Array]:
        """Return the codes that are chosen at each position, knowing log probabilities, and the sum of theirs."""
        (height, width), own = self.size, self.arrays
        # Each layer's input, with margins of zeros, as far as it is known.
        embedded = _with_margin(n, self.size, FIRST, own["embedding"].shape[1])
        inputs = [_with_margin(n, self.size, LATER, len(own["bias_first"])) for _ in range(self.blocks)]
        codes, total = np.zeros((n, height * width * self.stages), np.int64), np.zeros(n)
        for place in range(height * width):
            row, column = divmod(place, width)
            state = _patch(embedded, FIRST, row, column) @ self.first + own["bias_first"]
            for block in range(self.blocks):
                inputs[block][:, row + LATER // 2, column + LATER // 2] = np.maximum(state, 0)
                hidden = _patch(inputs[block], LATER, row, column) @ self.later[block] + own[f"bias_{block}"]
                state = state + np.maximum(hidden, 0) @ own[f"kernel_{block}_out"] + own[f"bias_{block}_out"]
            for stage in range(self.stages):
                position = place * self.stages + stage
                if stage:
                    state = state + own[named("before", stage)][codes[:, position - 1]]
                logits = np.maximum(state, 0) @ own[named("kernel_out", stage)] + own[named("bias_out", stage)]
                log_probs = log_softmax(logits.astype(np.float64), axis=1)
                codes[:, position] = choose(position, log_probs)
                total += log_probs[np.arange(n), codes[:, position]]
                read = own[named("embedding", stage)][codes[:, position]]
                embedded[:, row + FIRST // 2, column + FIRST // 2] += read
        return codes.reshape(n, height, width, self.stages), total


def _with_margin(n: int, size: tuple[int, int], side: int, channels: int) -> npt.NDArray[np.float32]:
    return np.zeros((n, size[0] + side - 1, size[1] + side - 1, channels), np.float32)


def _patch(values: npt.NDArray[np.float32], side: int, row: int, column: int) -> npt.NDArray[np.float32]:
    """Return what a kernel sees at a position of its row and those above: ``(n, values)``."""
    part = values[:, row : row + side // 2 + 1, column : column + side]
    return part.reshape(len(values), -1)


def _rows_above(kernel: Array) -> npt.NDArray[np.float32]:
    """Return the rows of a kernel that masks leave, as a matrix."""
    return kernel[: len(kernel) // 2 + 1].reshape(-1, kernel.shape[-1]).astype(np.float32)
