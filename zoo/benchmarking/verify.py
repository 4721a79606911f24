"""Verification of runs: files must be unchanged, and scores are recomputed from the stored models."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeGuard

import keras

from zoo.benchmarking.leaderboard import BOARD_FILE, Leaderboard
from zoo.benchmarking.table import Table
from zoo.compression.measured import COMPRESSED, measure_compressed
from zoo.compression.stack import is_installed
from zoo.data.load import load_recorded_dataset
from zoo.errors import DatasetError, ModelLoadError, RunError, UnknownNameError, ZooError
from zoo.evaluation.draws import allowed_by_draws
from zoo.evaluation.scores import evaluate
from zoo.files import read_json
from zoo.registry import catalogue
from zoo.runs.checksums import DoubtKind
from zoo.runs.finding import find_files
from zoo.runs.published import PublishedRun
from zoo.runs.run import RUN_FILE, Run
from zoo.score import DESCRIPTIONS
from zoo.weights.folder import ARRAYS_FILE, is_weights_folder

# Relative. Other versions of Python, NumPy or SciPy round means and intervals in another way.
ROUNDING = 1e-9
TOLERANCE = 1e-4  # Relative. Another machine or number of threads changes scores by some 1e-6.


class Status(StrEnum):
    """The result of a verification."""

    VERIFIED = "verified"
    FAILED = "failed"
    UNCHECKED = "unchecked"  # Something needed for the check is missing.


@dataclass(frozen=True)
class Verdict:
    """The result for one run folder or leaderboard.

    Args:
        path: path of the folder or the file.
        status: the result.
        findings: what is wrong or could not be checked; empty if verified.
        drift: the largest relative difference of a recomputed score; None if none was recomputed.
    """

    path: Path
    status: Status
    findings: tuple[str, ...] = ()
    drift: float | None = None


def verify(
    path: str | Path,
    *,
    tolerance: float = TOLERANCE,
    data_dir: str | Path | None = None,
    tell: Callable[[Path], None] = lambda path: None,
) -> list[Verdict]:
    """Check run folders, and the leaderboard that was made from them.

    Every file is compared with the SHA-256 recorded when the run ended; the stored model is scored again on the same
    images; on another backend, which draws other numbers, up to what draws explain (``allowed_by_draws``); the
    leaderboard is rebuilt from the runs that it names.

    Args:
        path: a run folder, or a folder that contains some.
        tolerance: largest relative difference allowed in a score (absolute below 1).
        data_dir: folder with the official files of the datasets; or, for runs trained on a folder of images, that
            folder or one that contains it.
        tell: called with each run folder before it is checked.

    Returns:
        A verdict for each run folder and leaderboard.

    Raises:
        RunError: there is no run folder.
    """
    folder = Path(path)
    seen = find_files(folder, RUN_FILE, BOARD_FILE, ARRAYS_FILE)
    runs = [Run(file.parent) for file in seen.files[RUN_FILE]]
    runs += [PublishedRun(file.parent) for file in seen.files[ARRAYS_FILE] if is_weights_folder(file.parent)]
    boards = seen.files[BOARD_FILE]
    if not runs and not boards:
        raise RunError(
            f"{folder}: found no {RUN_FILE} and no {ARRAYS_FILE} ({seen.describe()}): expected a run folder, one of "
            "trained weights, or a folder that contains some"
        )
    found = []
    for run in runs:
        tell(run.path)
        found.append(_verify_run(run, tolerance, data_dir))
    return found + [_verify_board(file) for file in boards]


def _verify_run(run: Run, tolerance: float, data_dir: str | Path | None) -> Verdict:
    if run.state in ("failed", "interrupted", "running"):
        return Verdict(run.path, Status.UNCHECKED, (f"the run is {run.state}, so it has no scores",))
    model_file = run.model_file
    left_out = (DoubtKind.MISSING, model_file)
    doubts = tuple(doubt.text for doubt in run.find_doubts() if (doubt.kind, doubt.file) != left_out)
    if doubts:
        return Verdict(run.path, Status.FAILED, doubts)
    if not model_file.is_file():
        return Verdict(run.path, Status.UNCHECKED, (f"{model_file.name} is missing: the scores cannot be recomputed",))
    try:
        if isinstance(run, PublishedRun):
            run.weights.check_card()
        drifts = _score_again(run, data_dir)
    except (DatasetError, UnknownNameError) as error:
        return Verdict(run.path, Status.UNCHECKED, (f"the scores cannot be recomputed: {error}",))
    except ModelLoadError as error:
        # The files of weights are as they were published, so that what cannot be loaded was never whole.
        known = run.config["architecture"] in catalogue.list_models()
        status = Status.FAILED if known and isinstance(run, PublishedRun) else Status.UNCHECKED
        return Verdict(run.path, status, (f"the scores cannot be recomputed: {error}",))
    except (ZooError, ValueError) as error:
        return Verdict(run.path, Status.FAILED, (str(error),))
    absent = tuple(
        f"the score {name} cannot be recomputed: no plugin provides it" for name in _absent_metrics(run.scores or {})
    )
    beyond = tuple(
        f"{name} is {old!r} in its record, but {new!r} when scored again"
        for name, (old, new, drift) in drifts.items()
        if drift > tolerance
    )
    largest = max((drift for _, _, drift in drifts.values()), default=0.0)
    if absent and not beyond:
        return Verdict(run.path, Status.UNCHECKED, absent, largest)
    return Verdict(run.path, Status.FAILED if beyond else Status.VERIFIED, beyond + absent, largest)


def _score_again(run: Run, data_dir: str | Path | None) -> dict[str, tuple[Any, Any, float]]:
    """Return for each score: its old value, its new value, and the difference."""
    before = run.scores
    if before is None:
        raise RunError(f"{run.path / RUN_FILE}: the run is finished, but has no scores")
    if run.content.config.data is not None:
        raise DatasetError("the run was trained on images in memory, which are not stored")
    split = load_recorded_dataset(run.config["dataset"], data_dir=data_dir).test
    if before["data"]["sha256"] != split.sha256:
        raise DatasetError(f"the test images of {run.config['dataset']} are not those that the run was scored on")
    absent = _absent_metrics(before)
    described = before.get(DESCRIPTIONS) or {}
    metrics = [name for name in described if name not in absent]
    samples = (before.get("iwae") or {}).get("k", 0)
    scores = evaluate(run.model, split, seed=before["seed"], metrics=metrics, importance_samples=samples)
    taken = before.get(COMPRESSED)
    if _is_measured(taken) and is_installed():
        scores[COMPRESSED] = measure_compressed(run.model, split, taken["images"])
    after = json.loads(json.dumps(scores))
    # Only values are compared: a plugin may describe its scores in other words.
    left_out = (*absent, DESCRIPTIONS, *(() if is_installed() else (COMPRESSED,)))
    before = {name: value for name, value in before.items() if name not in left_out}
    # An earlier version of the zoo did not know all of them.
    after = {name: value for name, value in after.items() if name in before}
    known, now = dict(_numbers(before)), dict(_numbers(after))
    drawn = {} if run.scored_on == keras.backend.backend() else allowed_by_draws(run.model, split, before["seed"])
    if taken is not None and COMPRESSED in scores:
        # The last bit of a network's number, which differs between machines, decides what is drawn from then on.
        bits = allowed_by_draws(run.model, split.limit(taken["images"]), before["seed"])["bits_per_dim"]
        drawn |= {f"{COMPRESSED}.{name}": bits for name in ("bits_per_dim", "computed_bits_per_dim")}
    return {
        name: (known.get(name), now.get(name), _apart(known.get(name), now.get(name), drawn.get(name, 0.0)))
        for name in sorted(known.keys() | now.keys())
    }


def _is_measured(compressed: Any) -> TypeGuard[dict[str, Any]]:
    images = compressed.get("images") if isinstance(compressed, dict) else None
    return isinstance(images, int) and not isinstance(images, bool) and images > 0


def _absent_metrics(scores: dict[str, Any]) -> list[str]:
    """Return the scores of plugins that are not found here."""
    return [name for name in scores.get(DESCRIPTIONS) or {} if name not in catalogue.metrics()]


def _numbers(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _numbers(value, f"{name}.{key}" if name else key)
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from _numbers(value, f"{name}[{number}]")
    else:
        yield name, tree


def _apart(old: Any, new: Any, drawn: float = 0.0) -> float:
    """Return the relative difference of two numbers (absolute below 1); for other values, 0 if equal, else infinity.

    Args:
        old: a value.
        new: another.
        drawn: how much of the difference other draws explain.
    """
    if isinstance(old, bool | str) or old is None or isinstance(new, bool | str) or new is None:
        return 0.0 if old == new else math.inf
    return float(max(0.0, abs(old - new) - drawn) / max(1.0, abs(old)))


def _verify_board(file: Path) -> Verdict:
    try:
        stored = [Table.from_dict(table) for table in read_json(file)["tables"]]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RunError) as error:
        return Verdict(file, Status.FAILED, (f"cannot be read: {type(error).__name__}: {error}",))
    rows = [row for table in stored for row in table.rows]
    paths = [file.parent / path for row in rows for path in row.runs]
    if len({os.path.normpath(path) for path in paths}) < len(paths):
        return Verdict(file, Status.FAILED, ("it names a run twice",))
    missing = tuple(f"the run {path} is missing" for path in paths if not os.path.isfile(path / RUN_FILE))
    if missing:
        return Verdict(file, Status.FAILED, missing)
    try:
        # The baselines named by the rows; a table whose baseline is its best row gets the same one again.
        again = [
            Leaderboard.from_runs([Run(path) for path in paths], file.parent, (), baseline).tables
            for baseline in sorted({row.baseline or "" for row in rows})
        ]
    except (ZooError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        return Verdict(file, Status.FAILED, (f"cannot be rebuilt: {type(error).__name__}: {error}",))
    possible = [table for tables in again for table in tables]
    changed = [table for table in stored if not any(_is_same(table, made) for made in possible)]
    findings = tuple(f"the table of {table.dataset} does not match its runs" for table in changed)
    return Verdict(file, Status.FAILED if findings else Status.VERIFIED, findings)


def _is_same(stored: Table, made: Table) -> bool:
    """Return whether two tables are the same but for rounding."""
    if all(row.settings is None for row in stored.rows):  # As in older versions.
        made = replace(made, rows=tuple(replace(row, settings=None) for row in made.rows))
    before, after = (dict(_numbers(table.to_dict())) for table in (stored, made))
    return before.keys() == after.keys() and all(_apart(before[name], after[name]) <= ROUNDING for name in before)
