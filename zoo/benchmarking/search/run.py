"""Searching settings with optuna, on any executor."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.benchmarking.cells import Cell
from zoo.benchmarking.choosing import check_choice, choose
from zoo.benchmarking.code_check import CodeCheck
from zoo.benchmarking.dispatch import STOPPED, Dispatch
from zoo.benchmarking.display import ShowRuns
from zoo.benchmarking.executor import Executor, Terms
from zoo.benchmarking.search.result import Search, Trial
from zoo.benchmarking.search.space import Range, Space
from zoo.benchmarking.search.study import Study
from zoo.data.load import load_dataset
from zoo.progress import Moment
from zoo.runs.lock import claim
from zoo.training.plan import plan_run, sample_name

logger = logging.getLogger("zoo")
MOST_TRIALS = 10_000


def search(
    preset: str,
    space: Mapping[str, str | Range | Sequence[Any]],
    *,
    trials: int = 20,
    settings: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    seed: int = 0,
    full: bool = False,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    jobs: int = 1,
    time_limit: float | None = None,
    memory_limit: float | None = None,
    executor: Executor | str | None = None,
    executor_options: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> Search:
    """Search for the settings of a preset that are best on the validation split; the test split has no say.

    Each trial is a run with settings that optuna proposes (a tree-structured Parzen estimator, Bergstra et al. 2011);
    if the space has no more points than there are trials, each is tried once. A trial whose validation -ELBO after an
    epoch is worse than the median of the earlier ones is ended. Called again with the same arguments, the search goes
    on where it was, and with one trial at a time it ends as if nothing had happened.

    Args:
        preset: the preset to start from.
        space: for each setting (of the recipe, or an option of the architecture) a range, as text:
            ``loguniform(1e-4, 1e-2)``, ``uniform(0, 1)`` or ``integers(8, 64)``, both ends included; or a list of
            values.
        trials: the number of trials.
        settings: settings that are the same for all trials.
        epochs: the number of epochs (default: the recipe's).
        seed: the seed of each run, and of what is proposed.
        full: train on the full dataset instead of its embedded sample.
        out: folder for the run folders, ``search.log`` (the state of the search) and the result: ``search.json``,
            ``search.md``, ``search.png`` and ``search.yaml``, a registry file with the best preset; ``search`` by
            default.
        data_dir: folder with the official files of the dataset.
        jobs: number of trials at a time, on any executor; processors as in ``zoo.benchmark``.
        time_limit: seconds after which a run is stopped.
        memory_limit: memory beyond which a run is stopped, in MiB.
        executor: as in ``zoo.benchmark``; its machines must share ``out``.
        executor_options: as in ``zoo.benchmark``.
        progress: show progress on stderr.

    Returns:
        The trials and the best of them.

    Raises:
        UnknownNameError: no such preset or executor.
        TypeError: an unknown setting or option.
        ValueError: an invalid value or number, or a setting that cannot be searched.
        DatasetError: the images are not available.
        RunError: optuna is not installed; the folder has another search, or another process searches in it; no trial
            is complete.
    """
    for what, number, most in (("trials", trials, MOST_TRIALS), ("jobs", jobs, MOST_TRIALS)):
        if type(number) is not int or not 1 <= number <= most:
            raise ValueError(f"{what} is {number!r}: expected a whole number from 1 to {most:,}")
    name = preset if full else sample_name(preset)
    folder, chosen = Path(out if out is not None else "search"), Space.read(space)
    fixed = {**(settings or {}), **({} if epochs is None else {"epochs": epochs})}
    both = sorted(fixed.keys() & chosen.settings.keys())
    if both:
        raise ValueError(f"{both[0]} is in the space and has a value of its own: expected one of them")
    for example in chosen.examples():
        plan = plan_run(name, **{**fixed, **example})
    options = executor_options or {}
    if executor is None or isinstance(executor, str):
        check_choice(executor, options)
    if options.get("collect"):
        raise ValueError("collect is set: a search follows its trials' epochs in a folder that all machines share")
    load_dataset(plan.dataset.name, data_dir=data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    about = {"preset": name, "settings": fixed, "seed": seed}
    at_once = jobs if executor in (None, "local") else None
    with claim(folder / ".search"):
        study = Study(folder, chosen, json.loads(json.dumps(about)), trials, seed)
        display = ShowRuns(study.trials, progress, what=("search", "trials"))
        with display, choose(executor, options, Terms(at_once, time_limit, memory_limit)) as (made, lost_after):
            cells = _Cells(name, fixed, seed, folder, None if data_dir is None else Path(data_dir))
            _Searching(study, cells, display, made, lost_after).run(jobs)
    result = Search(name, chosen, fixed, tuple(cells.trial_of(ended) for ended in study.ended()), folder)
    result.save()
    return result


class _Cells:
    """Makes the cells of trials."""

    def __init__(self, preset: str, fixed: Mapping[str, Any], seed: int, out: Path, data_dir: Path | None) -> None:
        self.preset, self.fixed, self.seed, self.out, self.data_dir = preset, fixed, seed, out, data_dir

    def make(self, settings: Mapping[str, Any]) -> Cell:
        return Cell(self.preset, self.seed, {**self.fixed, **settings}, self.out, self.data_dir)

    def trial_of(self, ended: Any) -> Trial:
        return Trial(**vars(ended), run=self.make(ended.settings).folder)


class _Searching:
    """The trials under way."""

    def __init__(self, study: Study, cells: _Cells, display: ShowRuns, executor: Executor, lost_after: float) -> None:
        self.study, self.cells, self.display = study, cells, display
        self.dispatch = Dispatch(executor, CodeCheck(), tell=self._tell, lost_after=lost_after)
        self.trials: dict[Cell, Any] = {}
        self.pruned: set[Cell] = set()

    def run(self, jobs: int) -> None:
        """Run trials, so many at a time, until there are enough."""
        self.display.finish_many(sum(1 for _ in self.study.ended()))
        self._fill(jobs)
        for cell, outcome in self.dispatch.wait():
            # What it has done since the last look counts too, whether or not there was time to end it.
            pruned = self._should_end(cell)
            trial = self.trials.pop(cell)
            self.study.end(trial, outcome, pruned=pruned)
            if isinstance(outcome, str) and outcome != STOPPED:
                logger.warning("%s: failed: %s", cell.label, outcome)
            self.display.finish(cell)
            self._fill(jobs)

    def _fill(self, jobs: int) -> None:
        while len(self.trials) < jobs and (trial := self.study.propose()) is not None:
            cell = self.cells.make(self.study.settings(trial))
            self.trials[cell] = trial
            self.dispatch.add([cell])

    def _tell(self, cell: Cell, moment: Moment) -> None:
        self.display.tell(cell, moment)
        if moment.stage == "training" and cell not in self.pruned and self._should_end(cell):
            self.dispatch.stop(cell)

    def _should_end(self, cell: Cell) -> bool:
        if cell not in self.pruned and self.study.report(self.trials[cell], cell.path, cell.plan.recipe.epochs):
            self.pruned.add(cell)
        return cell in self.pruned
