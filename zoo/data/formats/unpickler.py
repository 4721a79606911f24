"""Reading pickles of arrays without executing them.

This is Python's own unpickler with an allow-list, as its documentation describes under "Restricting globals". Allowed
names resolve to stand-ins: nothing that a file names is imported or called. The operations are checked first, since
some allocate as much memory as the file requests.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo.errors import DatasetError

# The operations that Python 2 and 3 write for numbers, text, lists, dicts and arrays in protocol 2.
OPERATIONS = frozenset({
    "PROTO", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "SHORT_BINSTRING",
    "BINSTRING", "BINUNICODE", "BINGET", "LONG_BINGET", "BINPUT", "LONG_BINPUT", "EMPTY_TUPLE", "TUPLE", "TUPLE1",
    "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_DICT", "SETITEM", "SETITEMS", "GLOBAL", "REDUCE",
    "BUILD",
})  # fmt: skip
TUPLES = ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3")
MOST_TUPLES = 16  # Except call arguments; deeply nested tuples would overflow the stack when hashed.
# A batch has an array and its type; Python 3 writes bytes as calls of _codecs.encode.
ARRAY, NEW_ARRAY, TYPE, ENCODE = "ndarray", "_reconstruct", "dtype", "encode"
ALLOWED = {
    ("numpy.core.multiarray", NEW_ARRAY),
    ("numpy._core.multiarray", NEW_ARRAY),
    ("numpy", ARRAY),
    ("numpy", TYPE),
    ("_codecs", ENCODE),
}


class Inert:
    """A stand-in for an array or a type: its role, and the state that the pickle sets."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        """Keep the state."""
        self.state = state


def read_pickle(path: Path, content: bytes, most: int) -> Any:
    """Build what a pickle describes, with inert objects for everything that it names.

    Args:
        path: the file, for messages.
        content: the file's content.
        most: the number of operations allowed.

    Returns:
        Numbers, strings, lists, tuples, dicts and ``Inert`` objects.

    Raises:
        DatasetError: the pickle is damaged, too large, or asks for anything else.
    """
    try:
        _check_operations(path, content, most)
        return _Unpickler(path, content).load()
    except (
        pickle.UnpicklingError, ArithmeticError, AttributeError, EOFError, LookupError, RecursionError, TypeError,
        ValueError,
    ) as error:  # fmt: skip
        raise DatasetError(f"{path} is damaged or truncated: not a pickle of CIFAR-10: {error}") from error


def _check_operations(path: Path, content: bytes, most: int) -> None:
    """Raise ``DatasetError`` for operations that a python batch does not have, or for too many operations."""
    tuples, is_tuple, places = 0, False, set()
    for count, (operation, argument, position) in enumerate(pickletools.genops(content), start=1):
        name = operation.name
        if name not in OPERATIONS:
            raise DatasetError(
                f"{path} has the pickle operation {name} at byte {position}, expected those of a python batch of "
                "CIFAR-10, protocol 2"
            )
        if count > most:
            raise DatasetError(f"{path} has more than {most} pickle operations, expected a batch of CIFAR-10")
        if name in ("BINPUT", "LONG_BINPUT"):
            if not isinstance(argument, int) or argument > most:  # The unpickler would allocate that many places.
                raise DatasetError(f"{path} is damaged: it stores an object in place {argument}")
            if is_tuple:
                places.add(argument)
            continue
        # The arguments of a call do not count, unless they are fetched again.
        tuples += (is_tuple and name != "REDUCE") + (name in ("BINGET", "LONG_BINGET") and argument in places)
        is_tuple = name in TUPLES
        del argument  # It may be a copy of most of the file.
    if tuples > MOST_TUPLES:
        raise DatasetError(f"{path} has more than {MOST_TUPLES} tuples, expected a batch of CIFAR-10")


class _Unpickler(pickle.Unpickler):
    def __init__(self, path: Path, content: bytes) -> None:
        # Text written by Python 2 is read as bytes.
        super().__init__(io.BytesIO(content), encoding="bytes")
        # Not methods of this class: the unpickler keeps what it finds, and would keep itself and its content alive.
        self.stand_ins = _StandIns(path)

    def find_class(self, module: str, name: str) -> Any:
        stand_ins = self.stand_ins
        if (module, name) not in ALLOWED:
            shown = f"{module}.{name}"[:80]
            raise DatasetError(
                f"{stand_ins.path} asks for {shown!r}, which was not run, expected only NumPy arrays and lists"
            )
        calls: dict[str, Callable[..., Any]] = {
            NEW_ARRAY: stand_ins.make_array, TYPE: stand_ins.make_type, ENCODE: stand_ins.encode,
            ARRAY: stand_ins.refuse,
        }  # fmt: skip
        return _Call(calls[name])


class _Call:
    """A function that a pickle may call and do nothing else with: it has no attributes to be set."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise TypeError("a function has no state")


class _StandIns:
    """Replacements for the functions and classes that a python batch names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.encoded: dict[str, bytes] = {}

    def make_array(self, kind: object, *_: object) -> Inert:
        is_array = isinstance(kind, _Call) and kind.function == self.refuse
        return Inert("array") if is_array else self.refuse()

    def make_type(self, kind: object, *_: object) -> Inert:
        return Inert("type") if kind in ("u1", b"u1") else self.refuse()

    def encode(self, text: object, encoding: object) -> Any:
        if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
            return self.refuse()
        # A string that is encoded repeatedly takes memory only once.
        if text not in self.encoded:
            self.encoded[text] = text.encode("latin-1")
        return self.encoded[text]

    def refuse(self, *_: object) -> Any:
        raise DatasetError(
            f"{self.path} asks for a call or a type of array that python batches of CIFAR-10 do not have"
        )
