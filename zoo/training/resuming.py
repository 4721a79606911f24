"""Resume training that was interrupted, killed or stopped by a full disk, or extend it by more epochs."""

from __future__ import annotations

import contextlib
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from zoo.data.load import load_dataset
from zoo.errors import RunError, UnknownNameError
from zoo.registry.presets import Preset
from zoo.runs.checksums import CHECKSUM_FILE
from zoo.runs.history import History
from zoo.runs.lock import claim
from zoo.runs.record import PluginOrigin, Provenance, Resumption, RunConfig, RunRecord
from zoo.runs.run import RUN_FILE, TENSORBOARD_FOLDER, Run, run_path
from zoo.runs.writer import RecordWriter
from zoo.saving.load import MODEL_FILE
from zoo.training.checkpoint import Point, find_checkpoints, find_point, remove_temporaries
from zoo.training.job import Job, do_job
from zoo.training.plan import describe_plan, plan_run
from zoo.training.provenance import describe_environment, describe_provenance, now
from zoo.training.session import clear, refuse_existing
from zoo.training.tensorboard import check_tensorboard

ANEW = "train it from scratch (overwrite=True, --overwrite)"


def resume(
    run: Run | str | Path,
    *,
    epochs: int | None = None,
    data_dir: str | Path | None = None,
    overwrite: bool = False,
    tensorboard: bool | None = None,
    progress: bool = True,
) -> Run:
    """Resume a run after its last completed epoch.

    In deterministic mode the result is the same as without the interruption: weights, optimizer, KL weight, random
    states, order of the images, early stopping and history all continue. An incomplete epoch is trained again. This
    also holds for layers that draw from their own ``keras.random.SeedGenerator``, as Keras layers do.

    A run with more epochs is written to the folder of the longer configuration, next to the original, which is not
    changed. A finished run resumes from the epoch of its ``model.keras``, the best one; the epochs after it are
    trained again, as before. If the learning rate has begun to fall (``learning_rate_decay``) by then, the longer run
    would differ from there on, so it is refused.

    Args:
        run: a run, or its folder.
        epochs: the total number of epochs; None: as many as originally requested.
        data_dir: folder with the official files of the dataset.
        overwrite: replace the folder of the longer configuration if it exists.
        tensorboard: write event files; None: only if the run already has some.
        progress: show progress on stderr.

    Returns:
        The finished run.

    Raises:
        RunError: not a run folder; another process is training in it; nothing is left to train; the run failed and
            cannot be resumed; a file is damaged; the zoo, the plugin, the preset, the images or the backend differ
            from those at the start of the run; or training failed.
        KeyboardInterrupt: training was interrupted; the message says what was kept.
    """
    earlier = Run(Path(run.path if isinstance(run, Run) else run))
    if tensorboard:
        check_tensorboard()
    _read(earlier)
    with contextlib.ExitStack() as held:
        held.enter_context(claim(earlier.path))
        record = _read(earlier)
        plan, config = _plan_again(earlier, record, epochs)
        target = earlier
        if config != record.config:
            target = Run(earlier.path.with_name(run_path(Path(), plan.name, config.seed, config).name))
            held.enter_context(claim(target.path))
            refuse_existing(target.path, overwrite)
        point = _find_work(earlier, plan, longer=target != earlier)
        dataset = load_dataset(plan.dataset.name, data_dir=data_dir)
        before = record.provenance
        _refuse_changes(earlier, before, describe_provenance(plan, dataset, before.deterministic))
        if tensorboard is None:
            tensorboard = (earlier.path / TENSORBOARD_FOLDER).is_dir()
            if tensorboard:
                check_tensorboard()
        model = None if point.file is None else point.load()
        try:
            _prepare(earlier, target, point)
        except OSError as error:
            raise RunError(f"{target.path}: cannot be written to: {error.strerror}") from error
        resumption = Resumption(len(point.history), earlier.path.name, now(), describe_environment())
        record = replace(
            record, status="running", error=None, config=config, best=point.history.best, scores=None,
            provenance=replace(before, resumed=(*before.resumed, resumption)),
        )  # fmt: skip
        job = Job(target, plan, dataset, RecordWriter(target, record), point, model, progress, tensorboard)
        return do_job(job, before.deterministic)


def _read(run: Run) -> RunRecord:
    """Read ``run.json`` again."""
    run.forget()
    plain = run.record
    try:
        return RunRecord.from_dict(plain)
    except RunError as error:
        raise RunError(f"{run.path / RUN_FILE} is damaged: {error}: {ANEW}") from error


def _plan_again(run: Run, record: RunRecord, epochs: int | None) -> tuple[Preset, RunConfig]:
    """Return the run's original plan, except for the number of epochs, and its configuration."""
    config = record.config
    if epochs is not None:
        config = replace(config, recipe={**config.recipe, "epochs": epochs})
    try:
        usual = describe_plan(plan_run(config.preset), config.seed).options
        options = {key: value for key, value in config.options.items() if key not in usual or usual[key] != value}
        plan = plan_run(config.preset, **config.recipe, **options)
    except TypeError as error:
        raise RunError(f"{run.path}: cannot be trained as before: {error}: {ANEW}") from error
    except UnknownNameError as error:
        plugin = record.provenance.plugin
        if plugin is None or not plugin.distribution:
            raise
        wanted = f"{plugin.distribution}=={plugin.version}"
        raise UnknownNameError(f"{run.path}: {error}. It was trained with {wanted}: install it") from error
    found = describe_plan(plan, config.seed)
    changed = [field.name for field in fields(RunConfig) if getattr(found, field.name) != getattr(config, field.name)]
    if changed:
        raise RunError(f"{run.path}: the preset has since changed in {', '.join(changed)}: {ANEW}")
    return plan, found


def _find_work(run: Run, plan: Preset, *, longer: bool) -> Point:
    """Return the point to resume from; ``RunError`` if nothing is left to train."""
    recipe = plan.recipe
    if run.status == "finished" and not find_checkpoints(run.path):
        done = History.read(run.path)
        if not longer or len(done) >= recipe.epochs:
            raise RunError(
                f"{run.path}: the run finished after {len(done)} epochs, so nothing is left to train: for more, pass "
                "the total number of epochs (epochs=, --epochs)"
            )
        if done.is_over(recipe.epochs, recipe.early_stopping):
            raise RunError(
                f"{run.path}: early stopping ended the run after {len(done)} epochs, so more would change nothing: "
                "train it from scratch with a larger early_stopping"
            )
    point = find_point(run)
    constant = (1 - recipe.learning_rate_decay) * run.content.config.recipe["epochs"]
    if longer and len(point.history) > constant:
        raise RunError(
            f"{run.path}: by epoch {len(point.history)} the learning rate has begun to fall, which is too early for "
            "the longer run: train it from scratch (finished runs can be extended only with learning_rate_decay=0)"
        )
    if len(point.history) > recipe.epochs:
        raise RunError(
            f"{run.path}: {len(point.history)} epochs are done: got epochs={recipe.epochs}; expected at least as many"
        )
    return point


def _refuse_changes(run: Run, before: Provenance, here: Provenance) -> None:
    what = {"zoo": "zoo", "plugin": "plugin", "backend": "Keras backend", "dataset": "images of the dataset"}
    for name, title in what.items():
        then, now = getattr(before, name), getattr(here, name)
        if then != now:
            shown = ": the SHA-256 differs" if name == "dataset" else _compare(then, now)
            raise RunError(f"{run.path}: the {title} changed since the run began{shown}: restore it, or {ANEW}")
    if None not in (before.plugin_sources, here.plugin_sources) and before.plugin_sources != here.plugin_sources:
        raise RunError(f"{run.path}: the code of the plugin changed since the run began: restore it, or {ANEW}")
    for name in ("packages", "threads"):
        then, now = getattr(before, name), getattr(here, name)
        if then != now:
            warnings.warn(
                f"{run.path}: {name} changed since the run began{_compare(then, now)}: "
                "the last digits of results may differ",
                stacklevel=3,
            )


def _compare(before: Any, now: Any) -> str:
    before, now = (vars(found) if isinstance(found, PluginOrigin) else found for found in (before, now))
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        before, now = ({key: found.get(key) for key in keys} for found in (before, now))
    return f" (then {_show(before)}, now {_show(now)})"


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return str(value)


def _prepare(earlier: Run, target: Run, point: Point) -> None:
    """Bring the folder to the state of the point; copy what the longer run needs from the earlier one."""
    if target == earlier:
        remove_temporaries(target.path)
        (target.path / CHECKSUM_FILE).unlink(missing_ok=True)
        return
    clear(target.path)
    best = point.history.best
    if best is not None and best.epoch != len(point.history):
        shutil.copyfile(earlier.path / MODEL_FILE, target.path / MODEL_FILE)
    if (earlier.path / TENSORBOARD_FOLDER).is_dir():
        shutil.copytree(earlier.path / TENSORBOARD_FOLDER, target.path / TENSORBOARD_FOLDER)
