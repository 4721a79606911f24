"""A folder of trained weights, which may come from elsewhere: read without following links, and bounded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ModelLoadError, RunError, WeightsNotFoundError
from zoo.files import MEGABYTE, UnfitFileError, read_bytes, read_text, sha256_of, write_text
from zoo.json_checks import check_scores
from zoo.plain_json import parse_json
from zoo.weights.config import WeightsConfig, read_config

if TYPE_CHECKING:
    import numpy as np

CONFIG_FILE = "config.json"
ARRAYS_FILE = "model.safetensors"
SCORES_FILE = "scores.json"
CARD_FILE = "README.md"
SUMS_FILE = "SHA256SUMS"
PICTURES = ("reconstructions.png", "samples.png")
# All that a folder may have; the last ones may be missing.
FILES = (CONFIG_FILE, ARRAYS_FILE, SCORES_FILE, "history.csv", CARD_FILE, *PICTURES)
_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)")
_HTML = re.compile(r"<[A-Za-z/!?][^\n]*|(?i:javascript:)")
_LONGEST_SUMS = 4096  # Bytes.
LARGEST_ARRAYS = 2**30


@dataclass(frozen=True)
class WeightsFolder:
    """A folder of trained weights.

    Args:
        path: the folder.
        address: its address on the hub, if it comes from there.
    """

    path: Path
    address: str | None = None

    @property
    def source(self) -> str:
        """Where it comes from: its address, or its path."""
        return self.address or str(self.path)

    @cached_property
    def sums(self) -> dict[str, str]:
        """The SHA-256 of each file, as ``SHA256SUMS`` has it.

        Raises:
            ModelLoadError: it is missing or damaged, or names a file that is none of such a folder.
        """
        file = self.path / SUMS_FILE
        with reading(file):
            lines = read_text(file, most=_LONGEST_SUMS).splitlines()
        found: dict[str, str] = {}
        for line in lines:
            matched = _LINE.fullmatch(line)
            if matched is None:
                raise ModelLoadError(f"{file}: the line {line[:100]!r} is not a SHA-256, two spaces and a name")
            digest, name = matched.groups()
            if name not in FILES:
                raise ModelLoadError(f"{file} names {name[:100]!r}: expected {', '.join(FILES)} alone")
            if name in found:
                raise ModelLoadError(f"{file} names {name} twice")
            found[name] = digest
        return found

    @cached_property
    def config(self) -> WeightsConfig:
        """What the weights are of.

        Raises:
            ModelLoadError: ``config.json`` is missing or damaged.
        """
        return read_config(self._read_json(CONFIG_FILE), self.path / CONFIG_FILE)

    @cached_property
    def scores(self) -> dict[str, Any]:
        """The scores, as ``zoo.evaluate`` returned them.

        Raises:
            ModelLoadError: ``scores.json`` is missing or damaged.
        """
        scores = self._read_json(SCORES_FILE)
        try:
            if not isinstance(scores, dict):
                raise RunError("expected a mapping")
            check_scores(scores, "its content")
        except RunError as error:
            raise ModelLoadError(f"{self.path / SCORES_FILE}: {error}") from None
        return scores

    @property
    def sha256(self) -> str:
        """The SHA-256 of the arrays, as ``SHA256SUMS`` has it."""
        return self._digest(ARRAYS_FILE)

    def read_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name.

        Raises:
            ModelLoadError: ``model.safetensors`` is missing or damaged.
        """
        from zoo.weights.arrays import read_arrays  # Not needed to list weights.

        return read_arrays(self.read(ARRAYS_FILE, LARGEST_ARRAYS), self.path / ARRAYS_FILE)

    def check_card(self) -> None:
        """Raise ``ModelLoadError`` if the card has HTML, which may run code where it is shown."""
        found = _HTML.search(self.read(CARD_FILE).decode("utf-8", "replace"))
        if found is not None:
            raise ModelLoadError(f"{self.path / CARD_FILE} has the HTML {found[0][:40]!r}: expected Markdown alone")

    def read(self, name: str, most: int = MEGABYTE) -> bytes:
        """Return the content of a file, which is the one that ``SHA256SUMS`` names.

        Raises:
            ModelLoadError: it is missing, larger than ``most`` bytes, no regular file, or not the one named.
        """
        file, digest = self.path / name, self._digest(name)
        with reading(file):
            content = read_bytes(file, most=most)
        if hashlib.sha256(content).hexdigest() != digest:
            raise ModelLoadError(f"{file} is not the file that was published: its SHA-256 differs from {SUMS_FILE}")
        return content

    def _digest(self, name: str) -> str:
        if name not in self.sums:
            raise ModelLoadError(f"{self.path / SUMS_FILE} does not name {name}")
        return self.sums[name]

    def _read_json(self, name: str) -> Any:
        try:
            return parse_json(self.read(name).decode("utf-8"))
        except ValueError as error:
            reason = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)[:200]
            raise ModelLoadError(f"{self.path / name}: not the JSON of a model's weights: {reason}") from None


def is_weights_folder(path: Path) -> bool:
    """Whether a path is a folder that has what only a weights folder has."""
    return (path / ARRAYS_FILE).is_file() and (path / CONFIG_FILE).is_file()


def open_folder(path: Path) -> WeightsFolder:
    """Return the weights folder at a path that the user has named.

    Raises:
        WeightsNotFoundError: there is none.
    """
    if not is_weights_folder(path):
        what = f"it has no {ARRAYS_FILE} and {CONFIG_FILE}" if path.is_dir() else "there is no such folder"
        raise WeightsNotFoundError(f"{path}: {what}: expected a folder of trained weights, as zoo publish makes it")
    return WeightsFolder(path)


def remove_files(path: Path) -> None:
    """Make room for other weights in a folder: what such a folder has is removed, and nothing else."""
    for name in (*FILES, SUMS_FILE):
        (path / name).unlink(missing_ok=True)


def write_sums(path: Path) -> None:
    """Write the SHA-256 of a folder's files, as ``sha256sum -c`` reads it."""
    lines = [f"{sha256_of(path / name)}  {name}\n" for name in sorted(FILES) if (path / name).is_file()]
    write_text(path / SUMS_FILE, "".join(lines))


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Raise ``ModelLoadError`` with one sentence if a file cannot be read within."""
    try:
        yield
    except FileNotFoundError:
        raise ModelLoadError(f"{file} is missing") from None
    except UnfitFileError as error:
        raise ModelLoadError(f"{file}: {error}") from None
    except OSError as error:
        raise ModelLoadError(f"{file}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise ModelLoadError(f"{file}: cannot be read: {str(error)[:200]}") from None
