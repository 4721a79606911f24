"""What a search has found: a table, a picture, and a registry file with the best preset."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from matplotlib.ticker import NullFormatter

from zoo.benchmarking.search.space import Range, Space
from zoo.errors import RunError
from zoo.files import write_figure, write_json, write_text
from zoo.plots import Figure
from zoo.registry import catalogue
from zoo.registry.presets import Preset
from zoo.shown import show
from zoo.training.plan import describe_plan, plan_run

VARIANT = "found"
TITLES = {"complete": "", "pruned": "pruned", "fail": "failed"}


@dataclass(frozen=True)
class Trial:
    """One trial of a search.

    Args:
        number: its number, from 0.
        state: ``complete``, ``pruned`` or ``fail``.
        settings: the settings that were tried.
        validation: the -ELBO on the validation split, in nats per image, of the epoch with the lowest validation loss;
            None unless it is complete.
        epochs: the number of epochs trained.
        run: its run folder, relative to that of the search.
        error: why it failed.
    """

    number: int
    state: str
    settings: dict[str, Any]
    validation: float | None
    epochs: int
    run: str
    error: str | None = None


@dataclass(frozen=True, repr=False)
class Search:
    """The trials of a search, judged on the validation split alone.

    Args:
        preset: the preset.
        space: what there was to choose from.
        fixed: settings that are the same for all trials.
        trials: the trials, in their order.
        path: the folder of the runs.
    """

    preset: str
    space: Space
    fixed: dict[str, Any]
    trials: tuple[Trial, ...]
    path: Path

    def __repr__(self) -> str:
        return show(f"Search({self.preset}, {len(self.trials)} trials in {self.path})")

    @property
    def best(self) -> Trial:
        """The trial with the lowest validation -ELBO; ``RunError`` if none is complete."""
        complete = [trial for trial in self.trials if trial.validation is not None]
        if not complete:
            reason = next((trial.error for trial in self.trials if trial.error), "all were pruned")
            raise RunError(f"no trial of {self.preset} is complete: {reason}")
        return min(complete, key=lambda trial: trial.validation or 0.0)

    @property
    def found(self) -> str:
        """The name of the preset with the best settings, which the registry file defines."""
        left, _, right = self.preset.partition("/")
        dataset, _, variant = right.partition("-")
        return f"{left}/{dataset}-{'_'.join(filter(None, (variant, VARIANT)))}"

    def rows(self) -> list[list[str]]:
        """Return the table, the best first: number, settings, validation -ELBO, epochs, and what else became of it."""
        order = sorted(self.trials, key=lambda it: (it.validation is None, it.validation or 0.0, it.number))
        return [
            [
                str(it.number),
                *(_show(it.settings[name]) for name in self.space.settings),
                "" if it.validation is None else f"{it.validation:,.2f}",
                str(it.epochs),
                TITLES[it.state] + (f": {it.error}" if it.error else ""),
            ]
            for it in order
        ]

    @property
    def header(self) -> list[str]:
        """The titles of the table's columns."""
        return ["trial", *self.space.settings, "validation -ELBO", "epochs", ""]

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``search.json``."""
        return {
            "schema": 1, "preset": self.preset, "space": self.space.to_dict(), "fixed": self.fixed,
            "best": self.best.number, "trials": [asdict(trial) for trial in self.trials],
        }  # fmt: skip

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        lines = [self.header, ["---", *("--:" for _ in self.header[1:-1]), "---"], *self.rows()]
        cells = [[show(cell).replace("|", "\\|") for cell in line] for line in lines]
        return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"

    def to_registry(self) -> str:
        """Return a registry file that defines the preset with the best settings."""
        plan = plan_run(self.preset, **{**self.fixed, **self.best.settings})
        base = catalogue.preset(f"{plan.architecture.name}/{plan.dataset.name}")
        entry = {part: values for part, values in _differences(plan, base).items() if values}
        content = {"version": 1, "presets": {self.found: entry}}
        return yaml.safe_dump(content, sort_keys=False, default_flow_style=None)

    def plot(self) -> Figure:
        """Return a picture: the validation -ELBO by trial and, for each setting, by its value."""
        complete = [trial for trial in self.trials if trial.validation is not None]
        values = [trial.validation for trial in complete]
        figure = Figure(figsize=(3.2 * (1 + len(self.space.settings)), 3.2), layout="constrained")
        first, *others = figure.subplots(1, 1 + len(self.space.settings), sharey=True, squeeze=False)[0]
        numbers = [trial.number for trial in complete]
        first.scatter(numbers, values, s=14)
        best = [min(value for value in values[: index + 1] if value is not None) for index in range(len(values))]
        first.step(numbers, best, where="post", color="0.5", linewidth=1)
        first.set(xlabel="trial", ylabel="validation -ELBO, nats per image")
        for axes, (name, choices) in zip(others, self.space.settings.items(), strict=True):
            tried = [trial.settings[name] for trial in complete]
            is_range = isinstance(choices, Range)
            axes.scatter(tried if is_range else [_show(value) for value in tried], values, s=14)
            axes.set_xlabel(name)
            if isinstance(choices, Range) and choices.kind == "loguniform":
                axes.set_xscale("log")
                axes.xaxis.set_minor_formatter(NullFormatter())  # Narrow as they are, labels would overlap.
        return figure

    def save(self) -> None:
        """Write ``search.json``, ``search.md``, ``search.png`` and ``search.yaml`` into the folder."""
        write_json(self.path / "search.json", self.to_dict())
        write_text(self.path / "search.md", self.to_markdown())
        write_figure(self.path / "search.png", self.plot())
        write_text(self.path / "search.yaml", self.to_registry())


def _differences(plan: Preset, base: Preset) -> dict[str, dict[str, Any]]:
    """Return the options and the recipe settings in which a plan differs from the preset that it starts from."""
    changed, usual = describe_plan(plan, 0), describe_plan(base, 0)
    return {
        "config": {key: it for key, it in changed.options.items() if usual.options.get(key, ...) != it},
        "recipe": {key: it for key, it in changed.recipe.items() if usual.recipe.get(key, ...) != it},
    }


def _show(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
