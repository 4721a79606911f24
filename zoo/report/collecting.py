"""The runs that a report is made from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from zoo.benchmarking.leaderboard import BOARD_FILE, Leaderboard
from zoo.benchmarking.table import FailedRun, Row
from zoo.benchmarking.text import describe_table
from zoo.errors import RunError
from zoo.files import read_json
from zoo.runs.finding import find_files
from zoo.runs.published import open_run
from zoo.runs.record import RunConfig
from zoo.runs.run import RUN_FILE, Run
from zoo.shown import show_line
from zoo.weights.folder import ARRAYS_FILE, is_weights_folder

STATUSES = {
    "running": "the run is in progress, or its process was killed",
    "interrupted": "the run was interrupted: continue it with zoo train --resume",
    "failed": "the run failed without recording a reason",
}


@dataclass(frozen=True)
class Failure:
    """A run without scores.

    Args:
        label: the name of the run.
        reason: why it has no scores.
        path: the run's folder; None if there is none.
    """

    label: str
    reason: str
    path: Path | None


@dataclass(frozen=True)
class Collection:
    """The content of a report.

    Args:
        leaderboard: the tables.
        runs: the finished runs by their names in the table rows.
        failures: the other runs.
    """

    leaderboard: Leaderboard
    runs: dict[str, Run]
    failures: list[Failure]

    def runs_of(self, row: Row) -> list[Run]:
        """Return the runs of a table's row, by seed."""
        return sorted((self.runs[name] for name in row.runs), key=lambda run: run.content.config.seed)


def collect(folder: Path) -> Collection:
    """Read all run folders in a folder, or the folder itself if it is a run folder.

    Raises:
        RunError: there is no run folder.
    """
    finished: dict[str, Run] = {}
    others: list[Run] = []
    failures: list[Failure] = []
    seen = find_files(folder, RUN_FILE, ARRAYS_FILE)
    weights = [file for file in seen.files[ARRAYS_FILE] if is_weights_folder(file.parent)]
    for file in (*seen.files[RUN_FILE], *weights):
        path = file.parent
        name = path.relative_to(folder).as_posix()
        run = open_run(path)
        try:
            if run.status == "finished" and run.scores is not None:
                # Detect a damaged file here, where it does not affect the other runs.
                Leaderboard.from_runs([run], folder)
                finished[name] = run
            else:
                failed = FailedRun(run.content.config.preset, run.content.config.seed, run.content.error)
                failures.append(Failure(failed.label, show_line(failed.error or STATUSES[run.status]), path))
                others.append(run)
        except RunError as error:
            failures.append(Failure(name, show_line(error).replace(f"{folder}{os.sep}", ""), path))
        except Exception as error:  # Whatever its schema leaves open must not cost the other runs.
            reason = f"{type(error).__name__}: {show_line(error, most=200)}"
            failures.append(Failure(name, f"{RUN_FILE} is damaged: {reason}", path))
    failures += _without_folder(folder, [*finished.values(), *others])
    if not finished and not failures:
        raise RunError(
            f"{folder}: found no {RUN_FILE} ({seen.describe()}): expected a run folder, or a folder that contains some"
        )
    order = sorted(finished.values(), key=_place)
    leaderboard = Leaderboard.from_runs(order, folder)
    leaderboard.tables.sort(key=describe_table)
    return Collection(leaderboard, finished, failures)


def _place(run: Run) -> tuple[str, str, int]:
    config = run.content.config
    return config.dataset, config.preset, config.seed


def _without_folder(folder: Path, runs: list[Run]) -> list[Failure]:
    """Return the failures that a benchmark recorded but no run folder does."""
    try:
        rows = read_json(folder / BOARD_FILE)["failed"]
        failed = [FailedRun.from_dict(row) for row in rows]
    except (OSError, ValueError, LookupError, TypeError, RunError):
        return []
    return [
        Failure(it.label, show_line(it.error), None)
        for it in failed
        if not any(_is_of(run.content.config, it) for run in runs)
    ]


def _is_of(config: RunConfig, failed: FailedRun) -> bool:
    settings = {**config.options, **config.recipe}
    same = (config.preset, config.seed) == (failed.preset, failed.seed)
    return same and all(settings.get(key) == value for key, value in failed.settings.items())
