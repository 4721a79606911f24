"""A run: one training of one preset with one seed, and the folder that holds it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from zoo.errors import RunError
from zoo.files import sha256_of, write_figure, write_json, write_text
from zoo.registry.specs import FOLDER
from zoo.runs.json_fields import to_json
from zoo.runs.record import STATUSES, RunConfig, RunRecord
from zoo.saving.load import load_model

if TYPE_CHECKING:
    from zoo.autoencoder.model import AutoEncoder

RUN_FILE = "run.json"
CHECKSUM_FILE = "SHA256SUMS"
TENSORBOARD_FOLDER = "tensorboard"
CHECKPOINT_NAME = re.compile(r"checkpoint-(\d+)\.keras")


@dataclass(frozen=True)
class Run:
    """A run folder; its content is read from ``run.json`` (see ``run.schema.json``).

    Args:
        path: the folder.
    """

    path: Path

    @cached_property
    def record(self) -> dict[str, Any]:
        """The content of ``run.json`` as plain data.

        Raises:
            RunError: the folder has none, or it is damaged.
        """
        file = self.path / RUN_FILE
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise RunError(f"{self.path}: not a run folder: it has no {RUN_FILE}") from error
        except (OSError, ValueError) as error:
            raise RunError(f"{file}: cannot be read: {error}") from error
        if not isinstance(record, dict) or record.get("status") not in STATUSES:
            raise RunError(f"{file}: status is not one of {', '.join(STATUSES)}")
        return record

    @cached_property
    def content(self) -> RunRecord:
        """The content of ``run.json``, every field checked.

        Raises:
            RunError: the folder has none, or it is damaged; the message names the field.
        """
        record = self.record
        try:
            return RunRecord.from_dict(record)
        except RunError as error:
            raise RunError(f"{self.path / RUN_FILE}: is damaged: {error}") from None

    @property
    def status(self) -> str:
        """One of ``running``, ``finished``, ``interrupted``, ``failed``."""
        return str(self.record["status"])

    @property
    def state(self) -> str:
        """The status, or ``damaged`` where ``run.json`` cannot be read or a field of it is wrong."""
        try:
            return self.content.status
        except RunError:
            return "damaged"

    @property
    def config(self) -> dict[str, Any]:
        """What was trained, and how."""
        return to_json(self.content.config)

    @property
    def scores(self) -> dict[str, Any] | None:
        """The scores on the test split; None for a run that did not finish."""
        scores = self.content.scores
        return None if scores is None else dict(scores)

    @property
    def best(self) -> dict[str, Any] | None:
        """The best validation epoch: ``{epoch, loss, negative_elbo}``, nats per image."""
        best = self.content.best
        return None if best is None else to_json(best)

    @property
    def cost(self) -> dict[str, Any]:
        """What the training cost."""
        return to_json(self.content.cost)

    @cached_property
    def model(self) -> AutoEncoder:
        """The model of the best validation epoch, read from the folder."""
        return load_model(self.path)

    def doubts(self) -> list[str]:
        """Return reasons why the folder's model may not be what its record says; empty for a whole, finished run."""
        found = []
        if self.state == "damaged":
            found.append(f"{self.path / RUN_FILE} is missing or damaged")
        elif self.status != "finished":
            best = self.best
            kept = f"its model is of epoch {best['epoch']}, the best so far" if best else "it has no model"
            found.append(f"{self.path}: the run is {self.status}, not finished: {kept}")
        try:
            sums = (self.path / CHECKSUM_FILE).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            sums = []
            if self.state == "finished":
                found.append(f"{self.path} has no readable {CHECKSUM_FILE}: changes would go unseen")
        for line in sums:
            digest, _, name = line.partition("  ")
            file = self.path / name
            if ".." in PurePosixPath(name).parts or not file.is_relative_to(self.path):
                found.append(f"{self.path / CHECKSUM_FILE} names {name}, which is not in the folder")
            elif not file.is_file():
                found.append(f"{file} is missing")
            elif sha256_of(file) != digest:
                found.append(f"{file} is not the file that the run wrote ({CHECKSUM_FILE})")
        return found

    def save(self, record: RunRecord | Mapping[str, Any]) -> None:
        """Write ``run.json`` whole, and forget what was read before."""
        write_json(self.path / RUN_FILE, record.to_dict() if isinstance(record, RunRecord) else record)
        self.forget()

    def forget(self) -> None:
        """Forget what was read; the next look reads the folder again."""
        for read in ("record", "content"):
            self.__dict__.pop(read, None)

    def save_figure(self, figure: Any, name: str) -> None:
        """Write a figure as PNG."""
        write_figure(self.path / name, figure)

    def save_checksums(self) -> None:
        """Write the SHA-256 of every other file but checkpoints, as ``sha256sum -c`` reads it; sub-folders too."""
        files = {item.relative_to(self.path).as_posix(): item for item in self.path.rglob("*") if item.is_file()}
        sums = [
            f"{sha256_of(files[name])}  {name}\n"
            for name in sorted(files)
            if name != CHECKSUM_FILE and not name.startswith(".") and not CHECKPOINT_NAME.fullmatch(name)
        ]
        write_text(self.path / CHECKSUM_FILE, "".join(sums))


def run_path(out: Path, preset: str, seed: int, config: RunConfig | Mapping[str, Any]) -> Path:
    """Return ``OUT/<architecture>/<dataset[-variant]>/seed<S>-<hash>``; a folder of images gives its last name.

    The hash covers all of the configuration but the seed.
    """
    plain = to_json(config) if isinstance(config, RunConfig) else config
    rest = {key: value for key, value in plain.items() if key != "seed"}
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True, default=repr).encode()).hexdigest()[:8]
    architecture, _, dataset = preset.partition("/")
    if dataset.startswith(FOLDER):
        # A path inside a path would be a maze.
        dataset = "folder-" + re.sub(r"[^\w.-]+", "_", dataset.rpartition("/")[2])
    return out / architecture / dataset / f"seed{seed}-{digest}"
