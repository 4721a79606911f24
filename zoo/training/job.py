"""One training job, from its first or next epoch to a complete run folder."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras

from zoo.autoencoder.checks.weights import has_moving_averages
from zoo.autoencoder.model import AutoEncoder
from zoo.data.dataset import Dataset
from zoo.errors import RunError, ZooError
from zoo.evaluation.cost.measure import measure_cost
from zoo.evaluation.scores import evaluate
from zoo.evaluation.warnings import explain_epoch, explain_scores
from zoo.factory.assemble import parameter_count
from zoo.factory.create import create_from_preset
from zoo.progress import Moment
from zoo.registry.presets import Preset
from zoo.registry.recipe import Recipe
from zoo.runs.record import Status
from zoo.runs.run import TENSORBOARD_FOLDER, Run
from zoo.runs.writer import RecordWriter
from zoo.schedules import CosineDecay, LinearDecay
from zoo.shown import show
from zoo.training.callbacks import SaveEpochs, StopOnNonFinite, Stopwatch, UseAverages, WriteEvents
from zoo.training.checkpoint import Point, find_checkpoints, keep_as_best, remove_checkpoints
from zoo.training.determinism import repeatable
from zoo.training.devices import spread
from zoo.training.pictures import SHOWN, draw_all, draw_history, draw_reconstructions
from zoo.training.profile import ProfileSteps
from zoo.training.progress import ReportProgress, ShowProgress
from zoo.training.reasons import explain
from zoo.training.shuffling import SeedEpochs, ShuffledImages
from zoo.training.user_callbacks import make_callbacks
from zoo.training.warm_start import copy_weights

logger = logging.getLogger("zoo")


@dataclass(frozen=True)
class Job:
    """A training job.

    Args:
        run: the run folder.
        plan: what is trained, and how.
        dataset: the images.
        writer: keeps the run's record.
        point: where training starts or resumes.
        model: the model at that point; None to load it, or before the first epoch.
        progress: whether to show progress on stderr; or a function that is told about it.
        tensorboard: whether to write event files.
        profile: whether to trace some steps.
        callbacks: the user's callbacks; those of the recipe are added when training begins.
        devices: ``one`` or ``all``.
    """

    run: Run
    plan: Preset
    dataset: Dataset
    writer: RecordWriter
    point: Point
    model: AutoEncoder | None
    progress: bool | Callable[[Moment], None]
    tensorboard: bool
    profile: bool = False
    callbacks: list[keras.callbacks.Callback] = field(default_factory=list)
    devices: str = "one"

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.writer.record.config.seed


def do_job(job: Job, deterministic: bool | None) -> Run:
    """Train, evaluate and draw; if the job ends early, the folder records why and keeps what is valid.

    Args:
        job: the training job.
        deterministic: as in ``train``.

    Returns:
        The finished run.

    Raises:
        RunError: the job failed.
        KeyboardInterrupt: the job was interrupted; the message says what was kept.
    """
    run, writer, shown = job.run, job.writer, _watch(job)
    try:
        with repeatable(job.seed, deterministic) as mode:
            writer.note_mode(mode)
            writer.save()
            with spread(job.devices):
                _fit(job, shown)
            if writer.record.best is None:
                raise RunError("no epoch ended with a finite validation loss")
            shown.show_stage("scoring")
            writer.note_scores(evaluate(run.model, job.dataset.test))
            writer.save()
            _warn(job)
            shown.show_stage("measuring speed and memory")
            writer.note_inference(measure_cost(run.model))
            shown.show_stage("drawing")
            draw_all(run, run.model, job.dataset.test, job.dataset.classes, job.point.history)
            writer.note_end("finished")
            writer.save()
            run.save_checksums()
            # Last: until here, a run that is killed can be completed from its checkpoint.
            remove_checkpoints(run.path)
    except KeyboardInterrupt:
        kept = _close_early(job, "interrupted", "interrupted")
        raise KeyboardInterrupt(f"interrupted: {kept}") from None
    except BaseException as error:
        writer.note_scores(None)
        reason = explain(error, run.path, writer.record.provenance.precision, job.callbacks)
        kept = _close_early(job, "failed", reason)
        raise RunError(f"training {job.plan.name} failed: {reason}: {kept}") from error
    return run


def _watch(job: Job) -> ShowProgress | ReportProgress:
    title, done, count = show(f"{job.plan.name}, seed {job.seed}"), len(job.point.history), len(job.dataset.train)
    recipe = job.plan.recipe
    if callable(job.progress):
        return ReportProgress(job.progress, recipe.epochs, done)
    return ShowProgress(title, recipe.epochs, count, done, batch_size=recipe.batch_size, shown=job.progress)


def _fit(job: Job, progress: ShowProgress | ReportProgress) -> None:
    run, recipe, history = job.run, job.plan.recipe, job.point.history
    model = job.model
    if model is None and job.point.file is not None:
        model = job.point.load()
    elif model is None:
        model = create_from_preset(job.plan, job.seed)
        if job.writer.record.provenance.start is not None:
            copy_weights(job.writer.record.provenance.start, model)
    job.writer.note_model(parameter_count(model), model.settle_precision())
    _restore_best(job)
    images = model.check_data(job.dataset.train)
    guard, watch = StopOnNonFinite(), Stopwatch()
    saver = SaveEpochs(run, job.writer, history, guard, watch, len(images), recipe.early_stopping)
    saver.count_cost()
    if history.is_over(recipe.epochs, recipe.early_stopping):
        return
    _set_learning_rate(model, recipe, len(images))
    model.provenance = {**(model.provenance or {}), "trained_on": job.dataset.name}
    data = ShuffledImages(images, recipe.batch_size, job.seed)
    shown = [*_events(job, len(images)), progress]
    averages = [UseAverages(swapped=job.model is not None)] if recipe.weight_averaging else []
    # Kept in the job, where they are found if one of them raises.
    job.callbacks[:0] = make_callbacks(recipe.callbacks, run)
    try:
        model.fit(
            data.stream(),
            initial_epoch=len(history),
            epochs=recipe.epochs,
            shuffle=False,  # The data shuffles itself each epoch.
            validation_data=job.dataset.validation,
            validation_batch_size=recipe.batch_size,
            # The user's come before the one that saves, so that what they change in an epoch is saved with it.
            callbacks=[SeedEpochs(data), *averages, guard, watch, *shown, *job.callbacks, saver],
            verbose=0,
        )
    finally:
        for callback in shown:
            callback.close()
        saver.count_cost()
    if guard.message is not None:
        # Resuming from here would only reach the same loss again.
        remove_checkpoints(run.path)
        raise RunError(guard.message)


def _warn(job: Job) -> None:
    """Log what the scores do not say by themselves."""
    record, rows = job.writer.record, job.point.history.rows
    found = list(explain_scores(record.scores or {}))
    if record.best is not None:
        found += explain_epoch(rows[record.best.epoch - 1], has_averages=has_moving_averages(job.run.model))
    for sentence in found:
        logger.warning("%s, seed %s: %s", job.plan.name, job.seed, sentence)


def _set_learning_rate(model: AutoEncoder, recipe: Recipe, images: int) -> None:
    """Let the rate fall towards the last epoch, which is later if a run is extended."""
    if recipe.learning_rate_decay or recipe.learning_rate_warm_up:
        steps = recipe.epochs * math.ceil(images / recipe.batch_size)
        schedule = LinearDecay if recipe.learning_rate_shape == "linear" else CosineDecay
        model.optimizer.learning_rate = schedule(
            recipe.learning_rate, steps, recipe.learning_rate_decay, recipe.learning_rate_warm_up
        )


def _restore_best(job: Job) -> None:
    """Make the folder's model that of the best epoch, in case the process was killed before copying it."""
    best, file = job.point.history.best, job.point.file
    if file is not None and best is not None and best.epoch == len(job.point.history):
        keep_as_best(file, job.run.path)


def _events(job: Job, images: int) -> list[Any]:
    shown: list[Any] = []
    if job.tensorboard:
        shown.append(WriteEvents(job.run.path / TENSORBOARD_FOLDER, job.dataset.validation.limit(SHOWN)))
    if job.profile:
        steps = math.ceil(images / job.plan.recipe.batch_size)
        shown.append(ProfileSteps(job.run.path, TENSORBOARD_FOLDER, steps))
    return shown


def _close_early(job: Job, status: Status, reason: str) -> str:
    """Leave a usable folder, and return what is in it; files that cannot be written now are left out."""
    run, best = job.run, job.writer.record.best
    job.writer.note_end(status, reason)

    def draw() -> None:
        if best is not None:
            draw_reconstructions(run, run.model, job.dataset.test)

    for write in (job.writer.save, lambda: draw_history(run, job.point.history), draw, run.save_checksums):
        # A full disk, or a model that cannot be read back, must not hide the reason.
        with contextlib.suppress(ZooError, OSError):
            write()
    done = find_checkpoints(run.path)
    if best is None:
        kept = f"no epoch was finished; {run.path} has no model"
    else:
        kept = f"{run.path} keeps the model of epoch {best.epoch}, the best so far"
    return f"{kept}; zoo train --resume {run.path} continues after epoch {max(done)}" if done else kept
