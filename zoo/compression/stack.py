"""A stack of symbols that takes up as many bits as their probabilities say: asymmetric numeral systems."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.errors import CompressionError

WORD_BITS = 32
_MOST_VALUES = 2**20  # Of a table of probabilities at a time.


class Stack:
    """Symbols coded by asymmetric numeral systems (Duda 2009): the last one in is the first one out.

    To pop a symbol that nobody has pushed is to draw one: with random words on the stack its distribution is the given
    one, and pushing it again restores the words. Bits-back coding rests on this (Townsend et al. 2019).

    Probabilities are rounded to multiples of 2^-24, of which each symbol gets at least one.

    Args:
        words: what is on the stack, ``(n,)`` uint32; the last word must not be zero.

    Raises:
        CompressionError: ``constriction`` is not installed.
        ValueError: the last word is zero.
    """

    def __init__(self, words: npt.NDArray[np.uint32]) -> None:
        self._models, coders = _import_constriction()
        self._coder = coders.AnsCoder(np.ascontiguousarray(words, np.uint32))

    @property
    def words(self) -> npt.NDArray[np.uint32]:
        """What is on the stack."""
        words: npt.NDArray[np.uint32] = self._coder.get_compressed()
        return words

    def push(self, symbols: npt.NDArray[Any], probabilities: npt.NDArray[np.floating]) -> None:
        """Push symbols so that ``pop`` returns them in their order.

        Args:
            symbols: ``(n,)``, from 0 to below k.
            probabilities: of every symbol at each place, ``(n, k)``; rows need not sum to one.
        """
        rows = self._rows(probabilities)
        for start in reversed(range(0, len(symbols), rows)):
            part = np.ascontiguousarray(symbols[start : start + rows], np.int32)
            self._coder.encode_reverse(part, self._table(), _as_table(probabilities[start : start + rows]))

    def pop(self, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.int32]:
        """Pop as many symbols as there are rows of probabilities, ``(n, k)``; see ``push``."""
        rows = self._rows(probabilities)
        parts = [
            self._coder.decode(self._table(), _as_table(probabilities[start : start + rows]))
            for start in range(0, len(probabilities), rows)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.int32)

    def push_uniform(self, symbols: npt.NDArray[Any], size: int) -> None:
        """Push symbols, ``(n,)``, all of which from 0 to below ``size`` are equally likely."""
        if size > 1:
            self._coder.encode_reverse(np.ascontiguousarray(symbols, np.int32), self._models.Uniform(size))

    def pop_uniform(self, count: int, size: int) -> npt.NDArray[np.int32]:
        """Pop that many symbols; see ``push_uniform``."""
        if size == 1:
            return np.zeros(count, np.int32)
        symbols: npt.NDArray[np.int32] = self._coder.decode(self._models.Uniform(size), count)
        return symbols

    def _table(self) -> Any:
        return self._models.Categorical(perfect=False)

    def _rows(self, probabilities: npt.NDArray[np.floating]) -> int:
        return max(1, _MOST_VALUES // int(probabilities.shape[1]))


def _as_table(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(probabilities, np.float32)


def _import_constriction() -> tuple[Any, Any]:
    try:
        import constriction
    except ImportError as error:
        raise CompressionError(
            'compression needs constriction, which is not installed: pip install "autoencoder-zoo[compression]"'
        ) from error
    return constriction.stream.model, constriction.stream.stack


def is_installed() -> bool:
    """Return whether ``constriction`` is installed."""
    return find_spec("constriction") is not None


def check_installed() -> None:
    """Raise ``CompressionError`` if ``constriction`` is not installed."""
    _import_constriction()
