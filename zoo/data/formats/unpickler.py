"""Reading pickles of arrays without doing what a pickle asks for.

Python's own unpickler calls what a file names and takes as much memory as it asks for. The one here knows only the
operations that the python batches of CIFAR-10 consist of, and puts numbers, texts, lists and dicts together.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import DatasetError

# Python 3 writes the names of NumPy 2, and its bytes as calls of _codecs.encode.
ALLOWED = {
    "numpy.core.multiarray _reconstruct": "new array",
    "numpy._core.multiarray _reconstruct": "new array",
    "numpy ndarray": "array",
    "numpy dtype": "type",
    "_codecs encode": "encode",
}
NUMBERS = {
    pickle.PROTO: "<B",
    pickle.BININT: "<i",
    pickle.BININT1: "<B",
    pickle.BININT2: "<H",
    pickle.BINGET: "<B",
    pickle.LONG_BINGET: "<I",
    pickle.BINPUT: "<B",
    pickle.LONG_BINPUT: "<I",
}
TEXTS = {pickle.SHORT_BINSTRING: "<B", pickle.BINSTRING: "<i", pickle.BINUNICODE: "<I"}
CONSTANTS = {pickle.NONE: None, pickle.NEWTRUE: True, pickle.NEWFALSE: False}
TUPLES = {pickle.TUPLE1: 1, pickle.TUPLE2: 2, pickle.TUPLE3: 3}


@dataclass(frozen=True)
class _Global:
    """What stands for a function or a class that a pickle names."""

    role: str


@dataclass
class Inert:
    """What stands for an array or a type: a role and the state that the pickle gives it."""

    role: str
    state: Any = None


class Unpickler:
    """Puts together what a pickle describes, with inert objects for all that it names.

    Time and memory are bounded by the content's length and ``most``, the number of operations allowed: no operation
    copies what another has made.
    """

    def __init__(self, path: Path, content: bytes, most: int) -> None:
        self.path, self.content, self.most = path, content, most
        self.position = 0
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def read(self) -> Any:
        """Return the object; raise ``DatasetError`` if the pickle is damaged or asks for anything unusual."""
        try:
            for _ in range(self.most):
                operation = self._take(1)
                if operation == pickle.STOP:
                    return self.stack.pop()
                self._do(operation)
        except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
            raise DatasetError(
                f"{self.path} is damaged: no pickle of CIFAR-10 at byte {self.position} ({type(error).__name__})"
            ) from error
        raise DatasetError(f"{self.path} has more than {self.most} pickle operations, expected a batch of CIFAR-10")

    def _do(self, operation: bytes) -> None:
        if operation in NUMBERS:
            self._use_number(operation, self._take_number(NUMBERS[operation]))
        elif operation in TEXTS:
            text = self._take(self._take_number(TEXTS[operation]))
            self.stack.append(text.decode() if operation == pickle.BINUNICODE else text)
        elif operation in CONSTANTS:
            self.stack.append(CONSTANTS[operation])
        elif operation in TUPLES:
            self.stack.append(tuple(reversed([self.stack.pop() for _ in range(TUPLES[operation])])))
        elif operation == pickle.GLOBAL:
            self.stack.append(self._find_global())
        elif operation == pickle.REDUCE:
            arguments = self.stack.pop()
            self.stack.append(self._call(self.stack.pop(), arguments))
        elif operation == pickle.BUILD:
            state = self.stack.pop()
            self._last(Inert).state = state
        else:
            self._fill(operation)

    def _fill(self, operation: bytes) -> None:
        """Do what makes or fills a tuple, a list or a dict."""
        if operation == pickle.MARK:
            self.outer.append(self.stack)
            self.stack = []
        elif operation in (pickle.EMPTY_TUPLE, pickle.TUPLE):
            items = [] if operation == pickle.EMPTY_TUPLE else self._close()
            self.stack.append(tuple(items))
        elif operation == pickle.EMPTY_LIST:
            self.stack.append([])
        elif operation == pickle.EMPTY_DICT:
            self.stack.append({})
        elif operation in (pickle.APPEND, pickle.APPENDS):
            items = self._close() if operation == pickle.APPENDS else [self.stack.pop()]
            self._last(list).extend(items)
        elif operation in (pickle.SETITEM, pickle.SETITEMS):
            items = self._close() if operation == pickle.SETITEMS else [self.stack.pop(), self.stack.pop()][::-1]
            self._last(dict).update(zip(map(_check_key, items[::2]), items[1::2], strict=True))
        else:
            raise DatasetError(
                f"{self.path} has the pickle operation {operation!r} at byte {self.position - 1}, "
                "expected those of a python batch of CIFAR-10, protocol 2"
            )

    def _use_number(self, operation: bytes, number: int) -> None:
        if operation in (pickle.BINPUT, pickle.LONG_BINPUT):
            self.memo[number] = self.stack[-1]
        elif operation in (pickle.BINGET, pickle.LONG_BINGET):
            self.stack.append(self.memo[number])
        elif operation != pickle.PROTO:
            self.stack.append(number)

    def _find_global(self) -> _Global:
        end = self.content.index(b"\n", self.content.index(b"\n", self.position) + 1)
        name = " ".join(self._take(end - self.position).decode("ascii").split("\n"))
        self._take(1)
        if name not in ALLOWED:
            shown = name.replace(" ", ".")[:80]
            raise DatasetError(
                f"{self.path} asks for {shown!r}, which is not run, expected NumPy arrays and lists alone"
            )
        return _Global(ALLOWED[name])

    def _call(self, function: object, arguments: object) -> object:
        match function, arguments:
            case _Global(role="new array"), tuple():
                return Inert("array")
            case _Global(role="type"), ("u1" | b"u1", *_):
                return Inert("type")
            case _Global(role="encode"), (str() as text, "latin1" | b"latin1"):
                return text  # The characters stand for bytes.
        raise DatasetError(
            f"{self.path} asks for a call or a type of array that python batches of CIFAR-10 do not have"
        )

    def _take(self, count: int) -> bytes:
        taken = self.content[self.position : self.position + count] if count >= 0 else b""
        if len(taken) != count:
            raise DatasetError(f"{self.path} is truncated: {len(self.content)} bytes, and the pickle goes on")
        self.position += count
        return taken

    def _take_number(self, form: str) -> int:
        return int(struct.unpack(form, self._take(struct.calcsize(form)))[0])

    def _close(self) -> list[Any]:
        items, self.stack = self.stack, self.outer.pop()
        return items

    def _last(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise TypeError(f"{type(self.stack[-1]).__name__} in place of {kind.__name__}")
        return self.stack[-1]


def _check_key(key: object) -> bytes | str:
    # A deep tuple would overflow the stack when it is hashed.
    if not isinstance(key, bytes | str):
        raise TypeError(f"the key of a dict is a {type(key).__name__}")
    return key
