"""The cells of a benchmark's grid: planned runs."""

from __future__ import annotations

import itertools
import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo.benchmarking.code_check import CodeCheck
from zoo.benchmarking.report_file import report_file, stop_file
from zoo.errors import RunError
from zoo.progress import Moment
from zoo.registry import catalogue
from zoo.registry.presets import Preset
from zoo.runs.lock import HeldError
from zoo.runs.run import Run, run_path
from zoo.training.checkpoint import find_checkpoints
from zoo.training.plan import describe_plan, plan_run
from zoo.training.resuming import resume
from zoo.training.session import train

logger = logging.getLogger("zoo")
WAIT = 1.0  # Seconds between checks of a run that another process is training.


@dataclass(frozen=True, eq=False)
class Cell:
    """One planned run.

    Args:
        preset: the name of the preset to train (``small_cnn/mnist_sample``).
        seed: the seed.
        settings: changes to the preset: recipe settings and architecture options.
        out: folder that holds the run folders.
        data_dir: folder with the official files of the datasets.
    """

    preset: str
    seed: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    out: Path = Path("runs")
    data_dir: Path | None = None

    @cached_property
    def plan(self) -> Preset:
        """The preset with its changes; errors as in ``zoo.train``."""
        return plan_run(self.preset, **self.settings)

    @cached_property
    def path(self) -> Path:
        """The run's folder."""
        return run_path(self.out, self.plan.name, self.seed, describe_plan(self.plan, self.seed))

    @property
    def folder(self) -> str:
        """The run's folder, relative to ``out``."""
        return self.path.relative_to(self.out).as_posix()

    @property
    def report(self) -> Path:
        """The file, hidden in ``out``, to which the run's process appends what it is doing."""
        return report_file(self.out, self.folder)

    @property
    def stop_file(self) -> Path:
        """The file, beside the report, whose presence ends the run's process."""
        return stop_file(self.report)

    def command(self) -> list[str]:
        """Return the command that trains the run, or what is left of it, on any machine that shares ``out``."""
        return [sys.executable, "-m", "zoo.benchmarking.worker", self.to_json(), "--alone"]

    @property
    def label(self) -> str:
        """The name of the cell in messages."""
        changes = "".join(f", {key}={value}" for key, value in self.settings.items())
        return f"{self.preset}, seed {self.seed}{changes}"

    @property
    def is_of_this_process(self) -> bool:
        """Whether only this process can run it, since something that it needs was registered in this one."""
        needed = (self.plan.architecture.name, self.plan.dataset.name, self.plan.recipe.likelihood)
        return any(map(catalogue.is_registered, (*needed, *catalogue.metrics())))

    def to_json(self) -> str:
        """Return the cell as text, for another process."""
        data_dir = None if self.data_dir is None else str(self.data_dir.absolute())
        fields = {"preset": self.preset, "seed": self.seed, "settings": dict(self.settings), "data_dir": data_dir}
        # The last two are for those who do not load the plan.
        named = {"folder": self.folder, "label": self.label}
        return json.dumps({**fields, "out": str(self.out.absolute()), **named})

    @classmethod
    def from_json(cls, text: str) -> Cell:
        """Return the cell that ``to_json`` wrote."""
        fields = json.loads(text)
        data_dir = None if fields["data_dir"] is None else Path(fields["data_dir"])
        return cls(fields["preset"], fields["seed"], fields["settings"], Path(fields["out"]), data_dir)


def make_cells(
    presets: Iterable[str], seeds: Sequence[int], settings: Mapping[str, Sequence[Any]], **fields: Any
) -> list[Cell]:
    """Return the cells of a grid, seed by seed, so that an early end leaves complete rows with fewer seeds.

    Args:
        presets: names of presets.
        seeds: seeds for each preset.
        settings: the values of each setting; every combination is a cell.
        **fields: ``out`` and ``data_dir``.
    """
    combinations = [dict(zip(settings, values, strict=True)) for values in itertools.product(*settings.values())]
    return [
        Cell(preset, seed, combination, **fields)
        for seed in seeds
        for preset in presets
        for combination in combinations
    ]


def run_cell(cell: Cell, *, progress: bool | Callable[[Moment], None] = False) -> Run:
    """Train a cell's run, or what is left of it; wait for a run that another process is training.

    Args:
        cell: the planned run.
        progress: as in ``zoo.train``.

    Returns:
        The finished run.

    Raises:
        RunError: the run failed; other errors as in ``zoo.train``.
    """
    while True:
        try:
            return _finish(cell, progress)
        except HeldError as error:
            logger.info("%s", error)
            time.sleep(WAIT)


def find_done(cell: Cell, code: CodeCheck) -> Run | None:
    """Return a cell's run if it is finished, complete and from the current code, else None.

    Args:
        cell: the planned run.
        code: compares runs with the current code; shared by all cells of a grid.
    """
    run = Run(cell.path)
    done = run.state == "finished" and not run.find_doubts() and code.is_current(run.content, cell.plan)
    return run if done else None


def _finish(cell: Cell, progress: bool | Callable[[Moment], None]) -> Run:
    done = find_done(cell, CodeCheck())
    if done is not None:
        return done
    run = Run(cell.path)
    if run.state in ("running", "interrupted") and find_checkpoints(cell.path):
        try:
            return resume(run, data_dir=cell.data_dir, progress=progress)
        except HeldError:
            raise
        except RunError as error:
            logger.warning("%s: training from scratch: %s", cell.path, error)
    elif cell.path.exists():
        state = run.state
        if state == "finished":
            state = next(iter(run.doubts()), "finished, but the code has changed since")
        logger.warning("%s: %s, training from scratch", cell.path, state)
    return train(
        cell.preset,
        seed=cell.seed,
        out=cell.out,
        data_dir=cell.data_dir,
        overwrite=True,
        progress=progress,
        **cell.settings,
    )
