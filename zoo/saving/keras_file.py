"""Reading a ``.keras`` file as untrusted input: what is checked here is what a model is made from, byte by byte."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from zoo.autoencoder.internals import describe_only
from zoo.data.memory import explain_shortage
from zoo.errors import ModelLoadError
from zoo.files import open_file
from zoo.saving.description import find_fault, find_size_fault, objects
from zoo.saving.rebuild import Known
from zoo.saving.weights_file import count_bytes
from zoo.shown import show

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_LONGEST_REASON = 600  # Characters.
_MEGABYTE = 2**20
_LARGEST = {CONFIG: 8 * _MEGABYTE, METADATA: _MEGABYTE}
# Keras stores all uncompressed. Arrays that were compressed by others shrink little.
_LARGEST_RATIOS = {CONFIG: 100, METADATA: 100, WEIGHTS: 8}
_BEGINNING = b"PK\x03\x04"
_SPARE = _MEGABYTE  # Bytes of variables that a file need not hold, such as the states of metrics and seeds.


@dataclasses.dataclass(frozen=True)
class KerasFile:
    """The content of a ``.keras`` file.

    Attributes:
        file: where it was read.
        config: the model's configuration, which ``check_names`` has yet to check.
        metadata: such as ``keras_version``.
        weights: an HDF5 file with the model's arrays.
    """

    file: Path
    config: dict[str, Any]
    metadata: dict[str, Any]
    weights: bytes = dataclasses.field(repr=False)


def read_config(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the configuration and the metadata of a file whose every part is safe to load; see ``read_file``."""
    content = read_file(file)
    check_names(content)
    return content.config, content.metadata


def read_file(file: Path, *, links: bool = True) -> KerasFile:
    """Read a file once, and check that it is an archive of plain data and of no more work than its size explains.

    Args:
        file: a ``.keras`` file, known by its content, whatever its name.
        links: follow a link; not for a file in a run folder, which may come from elsewhere.

    Returns:
        Its parts, of which no class was looked up.

    Raises:
        ModelLoadError: there is no such file, or it is not a ``.keras`` file, damaged, or not safe to load.
    """
    try:
        with _open(file, links) as opened, zipfile.ZipFile(opened) as archive:
            _check_members(file, archive)
            config, metadata = (json.loads(archive.read(name)) for name in (CONFIG, METADATA))
            weights = archive.read(WEIGHTS)
    except FileNotFoundError as error:
        raise ModelLoadError(f"{file}: no such file; expected a .keras file or a run folder") from error
    except RecursionError:
        raise ModelLoadError(f"{file}: not a .keras file: its configuration is nested too deeply") from None
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelLoadError(f"{file}: not a .keras file: {error}") from error
    described = isinstance(config, dict) and isinstance(config.get("config"), dict)
    if not described or not isinstance(config.get("compile_config") or {}, dict):
        raise ModelLoadError(f"{file}: not a .keras file: its config.json describes no model")
    if reason := find_size_fault(config):
        raise ModelLoadError(f"{file}: refused: {reason}")
    for item in objects(config["config"]):
        item.pop("compile_config", None)  # Of a part that was compiled by itself: the whole model's holds.
    return KerasFile(file, config, metadata if isinstance(metadata, dict) else {}, weights)


@contextlib.contextmanager
def _open(file: Path, links: bool) -> Iterator[IO[bytes]]:
    with open_file(file, links=links) as opened:
        if opened.read(len(_BEGINNING)) != _BEGINNING:
            raise ValueError("it does not begin as a ZIP archive does")
        yield opened


def _check_members(file: Path, archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    for name in names:
        if name not in (CONFIG, METADATA, WEIGHTS) or names.count(name) > 1:
            twice = " twice" if names.count(name) > 1 else ""
            raise ModelLoadError(
                f"{file}: not a .keras file of the zoo: it holds {name[:80]!r}{twice}; expected {METADATA}, {CONFIG} "
                f"and {WEIGHTS}"
            )
    for name in (METADATA, CONFIG, WEIGHTS):
        if name not in names:
            raise ModelLoadError(f"{file}: not a .keras file: it has no {name}")
        info = archive.getinfo(name)
        expanded = info.file_size > _MEGABYTE and info.file_size > _LARGEST_RATIOS[name] * info.compress_size
        if expanded or info.file_size > _LARGEST.get(name, math.inf):
            raise ModelLoadError(
                f"{file}: refused: {name} would unpack from {info.compress_size:,} to {info.file_size:,} bytes, which "
                "is not plausible for a model"
            )
        if name == WEIGHTS and (reason := explain_shortage(info.file_size)):
            raise ModelLoadError(f"{file}: refused: its {name} needs {reason}")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ModelLoadError(f"{file}: not a .keras file: {name} is packed in a way that Keras does not use")
    # ZIP is read from its end: what stands before it would be read by programs that begin at the beginning.
    if min(info.header_offset for info in archive.infolist()) != 0:
        raise ModelLoadError(f"{file}: not a .keras file: something else stands before the archive")


def check_names(content: KerasFile) -> None:
    """Check each class and function that a file names, all of its values and the calls of its layers.

    Raises:
        ModelLoadError: one is not allowed; the message begins with ``refused``.
        UnregisteredError: one is neither the zoo's nor Keras', and nobody has registered it.
    """
    fault = find_fault(content.config)
    if fault is None:
        return
    # A file's names may be as long as the file.
    reason, unregistered = show(fault[0], most=_LONGEST_REASON), fault[1]
    if unregistered:
        raise UnregisteredError(content.file, reason)
    raise ModelLoadError(f"{content.file}: refused: {reason}")


class UnregisteredError(ModelLoadError):
    """A file names a class or function that is not known.

    Attributes:
        name: of the class or function.
    """

    def __init__(self, file: Path, name: str) -> None:
        super().__init__(
            f"{file}: the layer {name} is not registered: decorate it with "
            "@keras.saving.register_keras_serializable() in the plugin or script that defines it"
        )
        self.name = name


def check_weights(content: KerasFile, known: Known | None = None) -> None:
    """Check that a file's weights are plain arrays, and that the model and its optimizer are no larger than they are.

    The model is made without allocating its arrays, so a small file cannot demand more memory than its own size.

    Args:
        content: a file that ``check_names`` has accepted.
        known: its parts, if the registry has them.

    Raises:
        ModelLoadError: the weights are damaged, refer to other files, or are fewer than the model's.
        Exception: whatever Keras raises if it cannot make the model.
    """
    file = content.file
    try:
        stored, reason = count_bytes(content.weights)
    except Exception as error:  # h5py raises whatever comes of a damaged file.
        raise ModelLoadError(f"{file}: its {WEIGHTS} is damaged: {' '.join(str(error).split())[:200]}") from error
    if reason is not None:
        raise ModelLoadError(f"{file}: refused: its {WEIGHTS} {reason}; expected plain arrays")
    values, needed = describe_only(content.config, known.parts if known else None)
    if needed > stored + _SPARE:
        raise ModelLoadError(
            f"{file}: refused: it describes a model with {values:,} values, {needed:,} bytes, but its {WEIGHTS} has "
            f"{stored:,} bytes of arrays"
        )
