"""Trained weights as a finished run, so that whatever reads runs reads them too."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ModelLoadError, RunError
from zoo.json_fields import to_json
from zoo.runs.record import SCHEMA, RunConfig
from zoo.runs.run import RUN_FILE, Run
from zoo.weights.folder import ARRAYS_FILE, WeightsFolder, is_weights_folder

if TYPE_CHECKING:
    from zoo.autoencoder.model import AutoEncoder


@dataclass(frozen=True, repr=False)
class PublishedRun(Run):
    """A folder of trained weights, read as the record of the run that they come from.

    Args:
        path: the folder.
    """

    @cached_property
    def weights(self) -> WeightsFolder:
        """The folder's content."""
        return WeightsFolder(self.path)

    @property
    def scored_on(self) -> str:
        """The backend that the scores were computed on, when the weights were published."""
        return self.weights.config.backend

    @property
    def model_file(self) -> Path:
        """The file of the arrays."""
        return self.path / ARRAYS_FILE

    @cached_property
    def record(self) -> dict[str, Any]:
        """What ``run.json`` would have.

        Raises:
            RunError: ``config.json`` or ``scores.json`` is missing or damaged.
        """
        try:
            config, scores = self.weights.config, self.weights.scores
        except ModelLoadError as error:
            raise RunError(str(error)) from None
        made = RunConfig(
            config.preset, config.architecture, config.dataset, config.image_shape, config.options, config.recipe,
            config.seed,
        )  # fmt: skip
        kept = {key: config.run.get(key) for key in ("provenance", "best", "cost")}
        return {
            "schema": SCHEMA,
            "status": "finished",
            "error": None,
            "config": to_json(made),
            "scores": scores,
            **kept,
        }

    @cached_property
    def model(self) -> AutoEncoder:
        """The trained model."""
        from zoo.factory.trained import load_weights_folder  # Keras is not needed for anything else in the folder.

        return load_weights_folder(self.weights)


def open_run(path: str | Path) -> Run:
    """Return the run in a folder: a run folder, or one of trained weights."""
    path = Path(path)
    return PublishedRun(path) if is_weights_folder(path) and not (path / RUN_FILE).exists() else Run(path)
