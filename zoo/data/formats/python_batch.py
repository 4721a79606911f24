"""Reading the python batches of CIFAR-10, which are pickles: https://www.cs.toronto.edu/~kriz/cifar.html."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.data.formats.unpickler import Inert, read_pickle
from zoo.errors import DatasetError


def read_python_batch(
    path: Path, shape: tuple[int, int], largest: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Read a python batch whose size is known; nothing that the pickle names is imported or called.

    Args:
        path: the file, a pickle of protocol 2 as Python 2 or Python 3 writes it: a dict with ``data``, an array of
            bytes, and ``labels``, a list; other keys are ignored.
        shape: the required number of images, and the number of bytes in an image, such as ``(10000, 3072)``.
        largest: the largest label allowed.

    Returns:
        The images' bytes, uint8 of the given shape, and the labels, uint8 ``(images,)``.

    Raises:
        DatasetError: the file cannot be read, is damaged, names anything but byte arrays, or is not as described above.
    """
    fields = read_pickle(path, _read_content(path, shape), 1000 + 16 * shape[0])
    images, labels = _find_field(path, fields, "data"), _find_field(path, fields, "labels")
    return _decode_images(path, images, shape), _decode_labels(path, labels, shape[0], largest)


def _read_content(path: Path, shape: tuple[int, int]) -> bytes:
    # Python 3 writes a byte as a character of up to two bytes; each image also has a file name.
    most = 4096 + shape[0] * (2 * shape[1] + 256)
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise DatasetError(f"{path} is unreadable: {error}") from error
    if not content:
        raise DatasetError(f"{path} is empty, expected a python batch of CIFAR-10")
    if len(content) > most:
        raise DatasetError(f"{path} is too long: more than {most} bytes, expected a python batch of {shape[0]} images")
    return content


def _find_field(path: Path, fields: object, name: str) -> object:
    # Text written by Python 2 is read as bytes.
    for key in (name.encode(), name):
        if isinstance(fields, dict) and key in fields:
            return fields[key]
    raise DatasetError(f"{path} is a pickle without {name}, expected a python batch of CIFAR-10")


def _decode_images(path: Path, array: object, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    state = array.state if isinstance(array, Inert) and array.role == "array" else None
    match state:
        case (1, tuple() as sizes, Inert(role="type"), bool() as fortran, bytes() as content):
            pass
        case _:
            raise DatasetError(f"{path} has data that is not an array of bytes, expected uint8 of shape {shape}")
    if sizes != shape or len(content) != shape[0] * shape[1]:
        raise DatasetError(f"{path} has {len(content)} bytes of data, expected uint8 of shape {shape}")
    return np.frombuffer(content, np.uint8).reshape(shape, order="F" if fortran else "C")


def _decode_labels(path: Path, labels: object, count: int, largest: int) -> npt.NDArray[np.uint8]:
    if not isinstance(labels, list) or len(labels) != count:
        got = f"{len(labels)} labels" if isinstance(labels, list) else "labels that are not a list"
        raise DatasetError(f"{path} has {got}, expected {count}")
    if not all(type(label) is int and 0 <= label <= largest for label in labels):
        raise DatasetError(f"{path} has labels that are not whole numbers in 0..{largest}")
    return np.array(labels, np.uint8)
