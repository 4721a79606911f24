"""Train one preset with one seed."""

from __future__ import annotations

import contextlib
import numbers
import shutil
import time
from pathlib import Path
from typing import Any

import keras

from zoo import plots
from zoo.autoencoder import AutoEncoder
from zoo.data.dataset import Dataset
from zoo.data.load import load_dataset
from zoo.errors import RunError, ZooError
from zoo.evaluation import evaluate
from zoo.factory import create_from_preset, parameter_count
from zoo.presets import Preset
from zoo.training.callbacks import KeepBest, StopOnNonFinite, Stopwatch, WriteHistory
from zoo.training.determinism import repeatable
from zoo.training.plan import describe_plan, plan_run
from zoo.training.progress import ShowProgress
from zoo.training.provenance import describe_environment, describe_origin
from zoo.training.run import Run, run_path

SCHEMA = 1
SHOWN = 10


def train(
    preset: str,
    *,
    epochs: int | None = None,
    seed: int = 0,
    sample: bool = False,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    overwrite: bool = False,
    deterministic: bool | None = None,
    progress: bool = True,
    **overrides: Any,
) -> Run:
    """Train a preset and write its run folder.

    Seeds Python's, NumPy's and the backend's global random state.

    Args:
        preset: ``architecture/dataset[-variant]``.
        epochs: in place of the recipe's.
        seed: makes the run repeatable.
        sample: train on the dataset's embedded sample.
        out: where run folders go; ``runs`` by default. The run is in
            ``OUT/<architecture>/<dataset[-variant]>/seed<S>-<hash of the configuration>``.
        data_dir: where the official files of the dataset are.
        overwrite: replace a run folder that is there.
        deterministic: let TensorFlow use only operations that repeat to the bit; None does so where there is no GPU.
        progress: show progress on stderr.
        **overrides: recipe settings (``learning_rate=0.0003``) and the architecture's options (``latent_dim=32``).

    Returns:
        The run: ``run.model`` (of the best validation epoch), ``run.scores`` (on the test split), ``run.path``.

    Raises:
        UnknownNameError: no such preset.
        TypeError: an unknown option; ValueError: a value that is not valid.
        DatasetError: the images cannot be had.
        RunError: the run folder is there already, or the training failed; the folder's ``run.json`` says why.
        KeyboardInterrupt: the training was interrupted; its message says what was kept.
    """
    if not isinstance(seed, numbers.Integral) or not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed!r}: expected a whole number from 0 to 2**32 - 1")
    seed = int(seed)
    plan = plan_run(preset, epochs=epochs, sample=sample, **overrides)
    config = describe_plan(plan, seed)
    path = run_path(Path(out if out is not None else "runs"), plan.name, seed, config)
    _refuse_existing(path, overwrite)
    dataset = load_dataset(plan.dataset.name, data_dir=data_dir)
    if path.exists():
        shutil.rmtree(path)
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise RunError(f"{path}: cannot be made: {error.strerror}: choose another folder (out=, --out)") from error
    with repeatable(seed, deterministic) as mode:
        return _train(Run(path), plan, config, dataset, mode, progress)


def _train(
    run: Run, plan: Preset, config: dict[str, Any], dataset: Dataset, deterministic: bool, progress: bool
) -> Run:
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "status": "running",
        "error": None,
        "config": config,
        "provenance": describe_environment() | describe_origin(plan.architecture, dataset, deterministic),
        "best": None,
        "scores": None,
        "cost": {},
    }
    run.save(record)
    try:
        model = create_from_preset(plan, config["seed"])
        record["cost"]["parameters"] = parameter_count(model)
        _fit(run, record, model, dataset, plan, progress)
        if record["best"] is None:
            raise RunError("no epoch ended with a finite validation loss")
        record["scores"] = evaluate(run.model, dataset.test)
        _draw(run, run.model, dataset)
        run.save(record | {"status": "finished"})
        run.save_checksums()
    except KeyboardInterrupt:
        kept = _close_early(run, record, dataset, "interrupted", "interrupted")
        raise KeyboardInterrupt(f"interrupted: {kept}") from None
    except (Exception, SystemExit) as error:
        record["scores"] = None
        reason = str(error) if isinstance(error, ZooError) else f"{type(error).__name__}: {error}"
        kept = _close_early(run, record, dataset, "failed", reason)
        raise RunError(f"training {plan.name} failed: {reason}: {kept}") from error
    return run


def _refuse_existing(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise RunError(
            f"{path} holds a run already ({Run(path).state}): replace it (overwrite=True, --overwrite), or choose "
            "another folder (out=, --out) or seed"
        )


def _fit(run: Run, record: dict[str, Any], model: AutoEncoder, dataset: Dataset, plan: Preset, progress: bool) -> None:
    recipe, images = plan.recipe, len(dataset.train)
    best, history, guard, watch = KeepBest(run), WriteHistory(run), StopOnNonFinite(), Stopwatch()
    shown = [ShowProgress(f"{plan.name}, seed {record['config']['seed']}", recipe.epochs, images)] if progress else []
    callbacks = [guard, watch, best, history, *shown]
    if recipe.early_stopping is not None:
        callbacks.append(keras.callbacks.EarlyStopping("val_loss", mode="min", patience=recipe.early_stopping))
    start = time.perf_counter()
    try:
        model.fit(
            dataset.train,
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            validation_data=dataset.validation,
            validation_batch_size=recipe.batch_size,
            callbacks=callbacks,
            verbose=0,
        )
    finally:
        for callback in shown:
            callback.close()
        record["best"] = best.best
        record["cost"] |= {
            "epochs": len(history.rows),
            "train_seconds": time.perf_counter() - start,
            "train_images_per_second": watch.images_per_second(images),
        }
        if history.rows:
            run.save_figure(plots.plot_history(history.columns), "loss_curve.png")
    if guard.message is not None:
        raise RunError(guard.message)


def _draw(run: Run, model: AutoEncoder, dataset: Dataset) -> None:
    images, labels = dataset.test.images, dataset.test.labels
    run.save_figure(plots.plot_reconstructions(model, images[:SHOWN]), "reconstructions.png")
    run.save_figure(plots.plot_samples(model), "samples.png")
    half = len(images) // 2
    run.save_figure(plots.plot_interpolation(model, images[:4], images[half : half + 4]), "interpolation.png")
    if len(images) >= 3 and model.encoder.output_shape[0][1:] != (1,):
        figure = plots.plot_latent_space(model, images[:2000], labels[:2000], dataset.classes)
        run.save_figure(figure, "latent_space.png")


def _close_early(run: Run, record: dict[str, Any], dataset: Dataset, status: str, reason: str) -> str:
    """Leave a folder that can be used, and say what is in it."""
    record |= {"status": status, "error": reason}
    run.save(record)
    if record["best"] is not None:
        # A model that cannot be read back must not hide the reason.
        with contextlib.suppress(ZooError):
            run.save_figure(plots.plot_reconstructions(run.model, dataset.test.images[:SHOWN]), "reconstructions.png")
    run.save_checksums()
    if record["best"] is None:
        return f"no epoch was finished; {run.path} has no model"
    return f"{run.path} keeps the model of epoch {record['best']['epoch']}, the best so far"
