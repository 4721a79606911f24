"""Resume training that was interrupted, killed or stopped by a full disk, or extend it by more epochs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import keras

from zoo.autoencoder.model import AutoEncoder
from zoo.data.dataset import Dataset
from zoo.data.given import as_dataset, fingerprint
from zoo.data.load import load_dataset
from zoo.environment import check_clock
from zoo.errors import RunError, UnknownNameError, counted
from zoo.files import copy_file
from zoo.progress import Moment
from zoo.registry.presets import Preset
from zoo.runs.checksums import CHECKSUM_FILE
from zoo.runs.finding import files_of
from zoo.runs.history import History
from zoo.runs.lock import claim
from zoo.runs.record import Resumption, RunConfig, RunRecord
from zoo.runs.run import RUN_FILE, TENSORBOARD_FOLDER, Run, run_path
from zoo.runs.writer import RecordWriter
from zoo.saving.load import MODEL_FILE
from zoo.training.callbacks import check_tensorboard
from zoo.training.changes import ANEW, refuse_changes, refuse_other_model
from zoo.training.checkpoint import Point, find_checkpoints, find_point, remove_temporaries
from zoo.training.devices import check_devices
from zoo.training.job import Job, do_job
from zoo.training.plan import describe_plan, plan_run
from zoo.training.provenance import describe_environment, describe_provenance, now
from zoo.training.session import clear, refuse_existing, refuse_link
from zoo.training.user_callbacks import check_names, split_callbacks
from zoo.training.warm_start import find_start_again

_LARGEST_EVENTS = 2**30  # Bytes of a file for TensorBoard.


def resume(
    run: Run | str | Path,
    *,
    epochs: int | None = None,
    data: Any = None,
    data_dir: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] | None = None,
    overwrite: bool = False,
    tensorboard: bool | None = None,
    devices: str = "one",
    progress: bool | Callable[[Moment], None] = True,
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
        data: the images, if they were passed as ``data`` to ``zoo.train``: the same ones again.
        data_dir: folder with the official files of the dataset.
        callbacks: Keras callbacks, in addition to those of the recipe. What a callback remembered is not resumed.
        overwrite: replace the folder of the longer configuration if it exists.
        tensorboard: write event files; None: only if the run already has some.
        devices: ``one`` or ``all``, as in ``zoo.train``; it need not be as before.
        progress: show progress on stderr; or a function, as in ``zoo.train``.

    Returns:
        The finished run.

    Raises:
        RunError: not a run folder; another process is training in it; nothing is left to train; the run failed and
            cannot be resumed; a file is damaged; the checkpoint is not of the run that ``run.json`` describes; the zoo,
            the plugin, the preset, the images, the backend or the model to start from differ from those at the start of
            the run; or training failed.
        ValueError: a callback is named, not passed, or one of the recipe cannot be imported.
        KeyboardInterrupt: training was interrupted; the message says what was kept.
    """
    earlier = Run(Path(run.path if isinstance(run, Run) else run))
    check_clock()
    check_devices(devices)
    if tensorboard:
        check_tensorboard()
    names, own = split_callbacks(callbacks)
    if names:
        raise ValueError(f"callbacks has {names[0]!r}: a resumed run keeps its recipe: expected Keras callbacks")
    _read(earlier)
    with contextlib.ExitStack() as held:
        held.enter_context(claim(earlier.path))
        record = _read(earlier)
        given = _read_data(earlier, record.config, data, data_dir)
        plan, config = _plan_again(earlier, record, epochs, given)
        check_names(plan.recipe.callbacks)
        target = earlier
        if config != record.config:
            target = Run(earlier.path.with_name(run_path(Path(), plan.name, config.seed, config).name))
            refuse_link(target.path)
            held.enter_context(claim(target.path))
            refuse_existing(target.path, overwrite)
        point = _find_work(earlier, plan, longer=target != earlier)
        dataset = load_dataset(plan.dataset.name, data_dir=data_dir) if given is None else given
        before = record.provenance
        refuse_changes(earlier, before, describe_provenance(plan, dataset, before.deterministic))
        if tensorboard is None:
            events = earlier.path / TENSORBOARD_FOLDER
            tensorboard = events.is_dir() and not events.is_symlink()
            if tensorboard:
                check_tensorboard()
        if point.file is None and before.start is not None:
            find_start_again(before.start)
        model = None
        if point.file is not None:
            model = point.load()
            for file, found in ((point.file, model), *_load_best(earlier, point)):
                refuse_other_model(file, found, plan, config.seed, dataset.name)
        try:
            _prepare(earlier, target, point)
        except OSError as error:
            raise RunError(f"{target.path}: cannot be written to: {error.strerror}") from error
        resumption = Resumption(len(point.history), earlier.path.name, now(), describe_environment())
        if devices != "one":
            model = None  # It has to be loaded where it is to be trained.
        record = replace(
            record, status="running", error=None, config=config, best=point.history.best, scores=None,
            provenance=replace(before, resumed=(*before.resumed, resumption)),
        )  # fmt: skip
        writer = RecordWriter(target, record)
        job = Job(target, plan, dataset, writer, point, model, progress, tensorboard, callbacks=own, devices=devices)
        return do_job(job, before.deterministic)


def _read(run: Run) -> RunRecord:
    """Read ``run.json`` again."""
    run.forget()
    plain = run.record
    try:
        return RunRecord.from_dict(plain)
    except RunError as error:
        raise RunError(f"{run.path / RUN_FILE} is damaged: {error}: {ANEW}") from error


def _read_data(run: Run, config: RunConfig, data: Any, data_dir: object) -> Dataset | None:
    """Return the images that were passed in memory, once more; None for a run on a dataset known by its name."""
    if config.data is None:
        if data is not None:
            raise RunError(f"{run.path}: the run was trained on the dataset {config.dataset}: leave out data=")
        return None
    if data is None or data_dir is not None:
        raise RunError(
            f"{run.path}: the run was trained on images in memory: pass the same ones again, in Python with "
            "zoo.resume(..., data=...)"
        )
    given = as_dataset(data)
    if fingerprint(given) != config.data:
        raise RunError(f"{run.path}: data= has other images than the run was trained on: the SHA-256 differs")
    return given


def _plan_again(run: Run, record: RunRecord, epochs: int | None, data: Dataset | None) -> tuple[Preset, RunConfig]:
    """Return the run's original plan, except for the number of epochs, and its configuration."""
    config = record.config
    if epochs is not None:
        config = replace(config, recipe={**config.recipe, "epochs": epochs})
    try:
        name = config.preset if data is None else config.architecture
        usual = describe_plan(plan_run(name, data=data), config.seed).options
        options = {key: value for key, value in config.options.items() if key not in usual or usual[key] != value}
        plan = plan_run(name, data=data, **config.recipe, **options)
    except TypeError as error:
        raise RunError(f"{run.path}: cannot be trained as before: {error}: {ANEW}") from error
    except UnknownNameError as error:
        plugin = record.provenance.plugin
        if plugin is None or not plugin.distribution:
            raise
        wanted = f"{plugin.distribution}=={plugin.version}"
        raise UnknownNameError(f"{run.path}: {error}. It was trained with {wanted}: install it") from error
    found = replace(describe_plan(plan, config.seed), data=config.data, start=config.start)
    changed = [field.name for field in fields(RunConfig) if getattr(found, field.name) != getattr(config, field.name)]
    if changed:
        raise RunError(f"{run.path}: the preset has since changed in {', '.join(changed)}: {ANEW}")
    return plan, found


def _find_work(run: Run, plan: Preset, *, longer: bool) -> Point:
    """Return the point to resume from; ``RunError`` if nothing is left to train."""
    recipe = plan.recipe
    if run.status == "finished" and not find_checkpoints(run.path):
        done = History.read(run.path)
        trained = counted(len(done), "epoch")
        if not longer or len(done) >= recipe.epochs:
            raise RunError(
                f"{run.path}: the run finished after {trained}, so nothing is left to train: for more, pass the "
                "total number of epochs (epochs=, --epochs)"
            )
        if done.is_over(recipe.epochs, recipe.early_stopping):
            raise RunError(
                f"{run.path}: early stopping ended the run after {trained}, so more would change nothing: train "
                "it from scratch with a larger early_stopping"
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
            f"{run.path}: got epochs={recipe.epochs}, but {counted(len(point.history), 'epoch')} are done: expected at "
            "least as many"
        )
    return point


def _load_best(earlier: Run, point: Point) -> list[tuple[Path, AutoEncoder]]:
    """Return the model of the best epoch and its file, unless that is the epoch of the point itself."""
    best = point.history.best
    if best is None or best.epoch == len(point.history):
        return []
    best_point = Point(point.history, earlier.path / MODEL_FILE)
    return [(earlier.path / MODEL_FILE, best_point.load())]


def _prepare(earlier: Run, target: Run, point: Point) -> None:
    """Bring the folder to the state of the point; copy what the longer run needs from the earlier one."""
    if target == earlier:
        remove_temporaries(target.path)
        (target.path / CHECKSUM_FILE).unlink(missing_ok=True)
        return
    clear(target.path)
    best = point.history.best
    if best is not None and best.epoch != len(point.history):
        copy_file(earlier.path / MODEL_FILE, target.path / MODEL_FILE)
    events = earlier.path / TENSORBOARD_FOLDER
    for file in [] if events.is_symlink() else files_of(events):
        copy = target.path / file.relative_to(earlier.path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy_file(file, copy, most=_LARGEST_EVENTS)
