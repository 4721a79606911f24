"""From presets, seeds and settings to runs and their leaderboard."""

from __future__ import annotations

import gc
import itertools
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo import plots
from zoo.benchmarking.cells import Cell, find_done, make_cells
from zoo.benchmarking.choosing import check_choice, choose
from zoo.benchmarking.code_check import CodeCheck
from zoo.benchmarking.dispatch import Dispatch
from zoo.benchmarking.display import ShowRuns
from zoo.benchmarking.executor import Executor, Terms, ThisProcess
from zoo.benchmarking.leaderboard import Leaderboard
from zoo.benchmarking.table import FailedRun
from zoo.data.checks import as_float
from zoo.data.load import load_dataset
from zoo.errors import UnknownNameError
from zoo.files import read_note, sha256_of, write_figure
from zoo.registry import catalogue
from zoo.registry.recipe import Recipe
from zoo.runs.checksums import CHECKSUM_FILE
from zoo.runs.run import Run
from zoo.training.plan import sample_name
from zoo.training.user_callbacks import check_names

logger = logging.getLogger("zoo")
SHOWN = 10
MOST_RUNS = 100_000


def benchmark(
    presets: str | Iterable[str] | None = None,
    *,
    seeds: int | Sequence[int] = 1,
    epochs: int | None = None,
    settings: Mapping[str, Sequence[Any]] | None = None,
    baseline: str | None = None,
    full: bool = False,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    jobs: int | None = None,
    time_limit: float | None = None,
    memory_limit: float | None = None,
    callbacks: Sequence[str] = (),
    executor: Executor | str | None = None,
    executor_options: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> Leaderboard:
    """Train presets, each with every seed and every combination of settings, and compare them.

    Each run has its own process, so that one that fails, hangs or runs out of memory is reported as failed, and the
    others continue. Called again with the same arguments, it continues with what is missing: finished runs are kept,
    and interrupted ones resume after their last epoch.

    Args:
        presets: one name or several; by default the set listed in ``registry.yaml``.
        seeds: the number of seeds (0, 1, ...), or the seeds themselves.
        epochs: the number of epochs (default: each recipe's).
        settings: values for each setting (a recipe setting or an architecture option); all combinations are trained.
        baseline: the row to compare the others against, seed by seed; by default the first of each table.
        full: train on the full datasets instead of their embedded samples.
        out: folder for run folders, the leaderboard (``.md``, ``.csv``, ``.json``) and ``reconstructions.png``;
            ``runs`` by default.
        data_dir: folder with the official files of the datasets.
        jobs: number of runs at a time; by default as many as the executor has room for. The processors of this machine
            are divided among local processes, of which there is one by default.
        time_limit: seconds after which a run is stopped.
        memory_limit: memory beyond which a run is stopped, in MiB; by default an equal share of the
            available memory.
        callbacks: functions that make a Keras callback, as ``"module:function"``, called with each run, as in
            ``zoo.train``.
        executor: what trains the runs: the name of an executor (``local`` by default, ``ray``, ``slurm`` or that of a
            plugin), or an object with the methods of ``zoo.benchmarking.Executor``.
        executor_options: options of a named executor, such as ``{"address": "auto"}``; and for all of them
            ``lost_after``, the seconds without a sign of life after which a run is submitted again (default: 600).
        progress: show progress on stderr.

    Returns:
        The leaderboard.

    Raises:
        UnknownNameError: no such preset, or no such executor.
        TypeError: a setting that no preset takes, or an option that the executor does not take.
        ValueError: no seed, no preset, a baseline that is not a row, an invalid value, or a callback that is not a name
            or cannot be imported.
        DatasetError: the images are not available.
    """
    folder = Path(out if out is not None else "runs")
    chosen = range(min(seeds, MOST_RUNS)) if isinstance(seeds, int) else list(seeds)
    names = (
        [presets] if isinstance(presets, str) else list(catalogue.benchmark_presets() if presets is None else presets)
    )
    if not chosen or not names:
        raise ValueError(f"got {len(names)} presets and {len(chosen)} seeds; expected at least one of each")
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs is {jobs}: expected at least 1")
    if executor is None or isinstance(executor, str):
        check_choice(executor, executor_options or {})
    values = {**(settings or {}), **({} if epochs is None else {"epochs": [epochs]})}
    if callbacks:
        # Each run has its own process, which makes its own.
        Recipe().replace(callbacks=list(callbacks))
        values["callbacks"] = [list(callbacks)]
    many = seeds if isinstance(seeds, int) else len(chosen)
    count = len(names) * many * math.prod(map(len, values.values()))
    if count > MOST_RUNS:
        raise ValueError(
            f"{len(names)} presets with {many:,} seeds and all combinations of settings are {count:,} runs: expected "
            f"at most {MOST_RUNS:,}"
        )
    cells, missing = _plan(names, list(chosen), values, folder, data_dir, full=full, typed=presets is not None)
    check_names({name for cell in cells for name in cell.plan.recipe.callbacks})
    baseline = _find_baseline(baseline, cells, full=full)
    folder.mkdir(parents=True, exist_ok=True)
    with ShowRuns(len(cells), progress) as display:
        terms = Terms(jobs, time_limit, memory_limit, display.tell)
        with choose(executor, executor_options or {}, terms) as (chosen_executor, lost_after):
            code = CodeCheck()
            elsewhere = Dispatch(chosen_executor, code, tell=display.tell, lost_after=lost_after)
            here = Dispatch(ThisProcess(tell=display.tell), code)
            runs, failed = _do(cells, elsewhere, here, code, display, progress)
    leaderboard = Leaderboard.from_runs(runs, folder, [*missing, *failed], baseline)
    leaderboard.save()
    if progress and runs:
        logger.info("drawing the test images as each model reconstructs them")
    _compare(runs, folder, data_dir)
    return leaderboard


def _plan(
    names: list[str], seeds: list[int], values: Mapping[str, Sequence[Any]], folder: Path, data_dir: Any, *,
    full: bool, typed: bool,
) -> tuple[list[Cell], list[FailedRun]]:  # fmt: skip
    """Look up every name and load every dataset before training; return the cells and the missing presets."""
    found: list[str] = []
    missing: list[FailedRun] = []
    for name in names:
        try:
            found.append(name if full else sample_name(name))
            catalogue.preset(found[-1])
        except UnknownNameError as error:
            if typed:
                raise
            # The user did not type the default set, so a plugin that failed to load is reported as a failed run.
            found = [other for other in found if other != name]
            missing += [FailedRun(name, seed, str(error)) for seed in seeds]
    cells = make_cells(
        dict.fromkeys(found), seeds, values, out=folder, data_dir=None if data_dir is None else Path(data_dir)
    )
    for dataset in {cell.plan.dataset.name for cell in cells}:
        load_dataset(dataset, data_dir=data_dir)
    return cells, missing


def _find_baseline(baseline: str | None, cells: list[Cell], *, full: bool) -> str | None:
    """Return the name that the baseline's row will have; ``ValueError`` if no row can have it."""
    if baseline is None:
        return None
    if "/" in baseline and not full:
        baseline = sample_name(baseline)
    known = list(dict.fromkeys(name for cell in cells for name in (cell.preset, cell.plan.architecture.name)))
    # A row's name is its architecture, followed by its variant and settings.
    if baseline not in known and baseline.split(" ")[0] not in known:
        raise ValueError(f"the baseline is {baseline!r}: expected a row, such as {', '.join(known)}")
    return baseline


def _do(
    cells: list[Cell], elsewhere: Dispatch, here: Dispatch, code: CodeCheck, display: ShowRuns, progress: bool
) -> tuple[list[Run], list[FailedRun]]:
    """Train what is missing; return the finished runs, and a failed run for each other cell."""
    runs: dict[Cell, Run] = {cell: run for cell in cells if (run := find_done(cell, code)) is not None}
    gc.collect()
    if progress and runs:
        logger.info("%d of %d runs are already finished and kept", len(runs), len(cells))
    display.finish(*runs)
    missing = [cell for cell in cells if cell not in runs]
    own = [cell for cell in missing if cell.is_of_this_process]
    others = elsewhere.run(cell for cell in missing if cell not in own)
    failed: dict[Cell, str] = {}
    # One at a time: each ends while it is submitted.
    for cell, outcome in itertools.chain(*(here.run([cell]) for cell in own), others):
        if isinstance(outcome, Run):
            runs[cell] = outcome
            if progress:
                logger.info("%s: finished in %.0f s", cell.label, outcome.cost["train_seconds"])
        else:
            failed[cell] = outcome
            logger.warning("%s: failed: %s", cell.label, outcome)
        display.finish(cell)
    rows = [FailedRun(cell.preset, cell.seed, failed[cell], cell.settings) for cell in cells if cell in failed]
    return [runs[cell] for cell in cells if cell in runs], rows


def _compare(runs: list[Run], folder: Path, data_dir: str | Path | None) -> None:
    """Draw the same test images through each preset's first finished run, unless the picture already shows these."""
    first: dict[str, Run] = {}
    for run in runs:
        first.setdefault(run.content.config.preset, run)
    chosen = sorted(first.values(), key=lambda run: run.content.config.dataset)
    picture = folder / "reconstructions.png"
    # A run's checksums identify its content.
    shown = [[run.content.config.preset, sha256_of(run.path / CHECKSUM_FILE)] for run in chosen]
    if not chosen or read_note(picture) == shown:
        return
    rows: dict[str, Any] = {}
    for run in chosen:
        preset, dataset = run.content.config.preset, run.content.config.dataset
        test = load_dataset(dataset, data_dir=data_dir, limit=SHOWN).test
        rows.setdefault(dataset, as_float(test.images))
        rows[preset] = run.model.reconstruct(test)
    write_figure(picture, plots.plot_rows(rows), note=shown)
