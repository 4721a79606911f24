"""The content of a leaderboard: tables, their rows, and the runs that failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from zoo.benchmarking.intervals import Summary
from zoo.json_fields import from_json, optional, to_json
from zoo.runs.record import Cost
from zoo.score import DESCRIPTIONS, Score
from zoo.score_names import main_score, table_scores
from zoo.shown import show_line

_COSTS = (
    "parameters", "flops", "encode_ms", "decode_ms", "peak_memory_mb", "train_seconds", "train_images_per_second"
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """The runs of one configuration, which differ only in the seed.

    Args:
        preset: the name of the preset.
        model: the row's name: architecture, variant and the settings that differ from other rows.
        seeds: seeds of the runs.
        runs: run folders, relative to the leaderboard's folder.
        validation: -ELBO of the best epoch on the validation split.
        scores: scores on the test split, by name; None if a run lacks the score.
        cost: means over the runs.
        rank: rank by the score that orders the table; None in files from older versions.
        difference: difference from the baseline in that score, paired by seed; None for the baseline itself.
        baseline: the row that the difference is from.
        settings: the settings in which rows of the same preset differ; None if they differ in none, and in files from
            older versions.
        conditional: whether all of its scores are those of p(x|y), given the labels y.
    """

    preset: str
    model: str
    seeds: tuple[int, ...]
    runs: tuple[str, ...]
    validation: Summary
    scores: Mapping[str, Summary | None]
    cost: Cost
    rank: int | None = None
    difference: Summary | None = None
    baseline: str | None = None
    settings: Mapping[str, Any] | None = optional(None)
    conditional: bool = optional(False)

    @property
    def result(self) -> dict[str, Any]:
        """The values that are the same for all seeds or averaged over them, nested as in a result."""
        cost = to_json(self.cost)
        return {"parameters": cost["parameters"], "cost": cost}

    def to_dict(self) -> dict[str, Any]:
        """Return it as ``leaderboard.json`` holds it."""
        plain = to_json(self)
        scores, cost = plain.pop("scores"), plain.pop("cost")
        last = {name: plain.pop(name) for name in ("rank", "difference", "baseline")}
        settings = {"settings": plain.pop("settings")} if "settings" in plain else {}
        return {**plain, **scores, **{name: cost[name] for name in _COSTS}, **last, **settings}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], metrics: Mapping[str, Any] | None = None) -> Row:
        """Return the row that ``leaderboard.json`` holds, with these metrics; ``RunError`` names a wrong field."""
        scores = {it.key: data.get(it.key) for it in table_scores({DESCRIPTIONS: metrics}, over_seeds=True)}
        return from_json(cls, {**data, "scores": scores, "cost": data})


@dataclass(frozen=True)
class Table:
    """Rows that may be compared, and the facts that they share.

    Args:
        dataset: the dataset of the scores.
        part: the split.
        sha256: SHA-256 of its images.
        images: the number of images.
        likelihood: the models' likelihood.
        binarization: the models' binarization.
        k: number of draws of the importance-weighted bound.
        seed: seed of the draws.
        epochs: the recipes' number of epochs.
        rows: the rows, best first.
        metrics: what describes the plugins' scores of the runs, by name, as in a result of ``zoo.evaluate``.
    """

    dataset: str | None
    part: str | None
    sha256: str | None
    images: int
    likelihood: str
    binarization: str
    k: int | None
    seed: int
    epochs: int
    rows: tuple[Row, ...] = field(default=())
    metrics: Mapping[str, Mapping[str, Any]] | None = optional(None)

    def scores(self, *, over_seeds: bool | None = None) -> list[Score]:
        """The scores that it may have columns for; see ``table_scores``."""
        return table_scores({DESCRIPTIONS: self.metrics}, over_seeds=over_seeds)

    @property
    def main(self) -> Score:
        """The score that orders the rows: the first that all of them have."""
        return main_score(row.scores for row in self.rows)

    @property
    def baseline(self) -> str | None:
        """The row that the differences are from."""
        return self.rows[0].baseline

    def to_dict(self) -> dict[str, Any]:
        """Return it as ``leaderboard.json`` holds it."""
        return {**to_json(self), "rows": [row.to_dict() for row in self.rows]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Table:
        """Return the table that ``leaderboard.json`` holds; ``RunError`` names a field that is wrong."""
        facts = from_json(cls, {**data, "rows": []})
        return replace(facts, rows=tuple(Row.from_dict(row, facts.metrics) for row in data["rows"]))


@dataclass(frozen=True)
class FailedRun:
    """A run that did not finish.

    Args:
        preset: the name of the preset.
        seed: the seed.
        error: why it did not finish.
        settings: changes to the preset.
    """

    preset: str
    seed: int
    error: str | None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Cut the reason, which may be as long as an exception's text."""
        if self.error is not None:
            object.__setattr__(self, "error", show_line(self.error))

    @property
    def label(self) -> str:
        """The name of the run in messages."""
        return f"{self.preset}, seed {self.seed}" + "".join(f", {key}={value}" for key, value in self.settings.items())

    def to_dict(self) -> dict[str, Any]:
        """Return it as ``leaderboard.json`` holds it."""
        settings = {"settings": dict(self.settings)} if self.settings else {}
        return {"preset": self.preset, "seed": self.seed, **settings, "error": self.error}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FailedRun:
        """Return the failed run that ``leaderboard.json`` holds; ``RunError`` names a field that is wrong."""
        return from_json(cls, data)
