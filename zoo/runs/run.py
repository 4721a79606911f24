"""A run: one training of one preset with one seed, and the folder that holds it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import RunError
from zoo.files import read_bytes, read_json, write_figure, write_json
from zoo.json_fields import to_json
from zoo.notebooks import show_picture, show_table, show_title
from zoo.registry.specs import FOLDER
from zoo.runs.checksums import CHECKSUM_FILE, Doubt, DoubtKind, compare_checksums, write_checksums
from zoo.runs.history import History
from zoo.runs.record import STATUSES, RunConfig, RunRecord
from zoo.score_names import SCORES
from zoo.shown import show

if TYPE_CHECKING:
    from zoo.autoencoder.model import AutoEncoder

RUN_FILE = "run.json"
PICTURE_FILE = "reconstructions.png"
TENSORBOARD_FOLDER = "tensorboard"


@dataclass(frozen=True, repr=False)
class Run:
    """A run folder; its content is read from ``run.json`` (see ``run.schema.json``).

    Args:
        path: the folder, as a path or as text.
    """

    path: Path

    def __post_init__(self) -> None:
        """Turn text into a path."""
        object.__setattr__(self, "path", Path(self.path))

    def __repr__(self) -> str:
        return show(f"Run({self.path}: {self.state})")

    def _repr_html_(self) -> str:
        rows = []
        if self.state != "damaged":
            result = {**(self.scores or {}), "cost": self.cost}
            known = [(score, score.read(result)) for score in SCORES]
            rows = [(score.title, score.show(value), score.unit) for score, value in known if value is not None]
        table = show_table(("score", "value", "unit"), rows) if rows else ""
        try:
            picture = show_picture(read_bytes(self.path / PICTURE_FILE), "test images, reconstructed")
        except OSError:
            picture = ""
        return show_title(repr(self)) + table + picture

    @cached_property
    def record(self) -> dict[str, Any]:
        """The content of ``run.json`` as plain data.

        Raises:
            RunError: the file is missing or damaged.
        """
        file = self.path / RUN_FILE
        try:
            record = read_json(file)
        except FileNotFoundError as error:
            raise RunError(f"{self.path}: not a run folder: it has no {RUN_FILE}") from error
        except OSError as error:
            raise RunError(f"{file}: cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise RunError(f"{file}: cannot be read: {error}") from error
        status = record.get("status") if isinstance(record, dict) else None
        if not isinstance(status, str) or status not in STATUSES:
            raise RunError(f"{file}: status is not one of {', '.join(STATUSES)}")
        return dict(record)

    @cached_property
    def content(self) -> RunRecord:
        """The content of ``run.json``, every field checked.

        Raises:
            RunError: the file is missing or damaged; the message names the field.
        """
        record = self.record
        try:
            return RunRecord.from_dict(record)
        except RunError as error:
            raise RunError(f"{self.path / RUN_FILE} is damaged: {error}") from None

    @property
    def status(self) -> str:
        """One of ``running``, ``finished``, ``interrupted``, ``failed``."""
        return str(self.record["status"])

    @property
    def state(self) -> str:
        """The status, or ``damaged`` if ``run.json`` cannot be read or a field is wrong."""
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
        """The cost of training and of the model."""
        return to_json(self.content.cost)

    @property
    def scored_on(self) -> str:
        """The backend that the scores were computed on."""
        return self.content.provenance.backend

    @property
    def model_file(self) -> Path:
        """The file of the model of the best validation epoch."""
        return self.path / "model.keras"

    @cached_property
    def model(self) -> AutoEncoder:
        """The model of the best validation epoch, read from the folder."""
        from zoo.saving.load import load_model  # Keras is not needed for anything else in a run folder.

        return load_model(self.path)

    @property
    def history(self) -> dict[str, list[float]]:
        """What each epoch logged, column by column: ``epoch``, from 1, ``kl_weight``, ``loss``, ``val_loss`` and so on.

        Raises:
            RunError: ``history.csv`` is missing or damaged.
        """
        return History.read(self.path).columns

    def doubts(self) -> list[str]:
        """Return the reasons why the folder's model may not match its record; empty for an intact, finished run."""
        return [doubt.text for doubt in self.find_doubts()]

    def find_doubts(self) -> list[Doubt]:
        """Return the same reasons with the kind of each, and the file in doubt."""
        file, sums = self.path / RUN_FILE, self.path / CHECKSUM_FILE
        found = []
        try:
            content = self.content
        except RunError as error:
            found.append(Doubt(DoubtKind.DAMAGED, file, str(error)))
            content = None
        if content is not None and content.status != "finished":
            best = content.best
            kept = f"its model is from epoch {best.epoch}, the best so far" if best else "it has no model"
            text = f"{self.path}: the run is {self.status}, not finished: {kept}"
            found.append(Doubt(DoubtKind.UNFINISHED, file, text))
        try:
            return found + compare_checksums(self.path)
        except (OSError, ValueError):
            if self.state == "finished":
                text = f"{self.path} has no readable {CHECKSUM_FILE}: changes would go unnoticed"
                found.append(Doubt(DoubtKind.UNCHECKED, sums, text))
            return found

    def save(self, record: RunRecord | Mapping[str, Any]) -> None:
        """Write ``run.json`` atomically, and discard the cached content."""
        write_json(self.path / RUN_FILE, record.to_dict() if isinstance(record, RunRecord) else record)
        self.forget()

    def forget(self) -> None:
        """Discard the cached content; the next access reads the folder again."""
        for read in ("record", "content"):
            self.__dict__.pop(read, None)

    def save_figure(self, figure: Any, name: str) -> None:
        """Write a figure as PNG."""
        write_figure(self.path / name, figure)

    def save_checksums(self) -> None:
        """Write the SHA-256 of all other files except checkpoints, with subfolders, as ``sha256sum -c`` reads it."""
        write_checksums(self.path)


def run_path(out: Path, preset: str, seed: int, config: RunConfig | Mapping[str, Any]) -> Path:
    """Return ``OUT/<architecture>/<dataset[-variant]>/seed<S>-<hash>``; a folder of images goes by its last name.

    The hash covers all of the configuration except the seed.
    """
    plain = to_json(config) if isinstance(config, RunConfig) else config
    rest = {key: value for key, value in plain.items() if key != "seed"}
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True, default=repr).encode()).hexdigest()[:8]
    architecture, _, dataset = preset.partition("/")
    if dataset.startswith(FOLDER):
        # Do not nest the path of the images inside this path.
        dataset = f"folder-{dataset.rpartition('/')[2]}"
    # A dataset in memory may have any name.
    return out / architecture / re.sub(r"^\.+|[^\w.-]+", "_", dataset) / f"seed{seed}-{digest}"
