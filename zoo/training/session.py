"""Training of one preset with one seed."""

from __future__ import annotations

import numbers
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from zoo.data.given import as_dataset, fingerprint
from zoo.data.load import load_dataset
from zoo.environment import check_clock
from zoo.errors import RunError
from zoo.progress import Moment
from zoo.runs.history import History
from zoo.runs.lock import LOCK_FILE, claim
from zoo.runs.record import begin
from zoo.runs.run import Run, run_path
from zoo.runs.writer import RecordWriter
from zoo.training.callbacks import check_tensorboard
from zoo.training.checkpoint import Point, find_checkpoints
from zoo.training.devices import check_devices
from zoo.training.job import Job, do_job
from zoo.training.plan import describe_plan, plan_run
from zoo.training.profile import check_profiler
from zoo.training.provenance import describe_provenance
from zoo.training.user_callbacks import check_names, split_callbacks
from zoo.training.warm_start import check_options, find_start


def train(
    preset: str,
    *,
    epochs: int | None = None,
    seed: int = 0,
    sample: bool = False,
    out: str | Path | None = None,
    data: Any = None,
    data_dir: str | Path | None = None,
    start: Run | str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback | str] | None = None,
    overwrite: bool = False,
    deterministic: bool | None = None,
    tensorboard: bool = False,
    profile: bool = False,
    devices: str = "one",
    progress: bool | Callable[[Moment], None] = True,
    **overrides: Any,
) -> Run:
    """Train a preset and write its run folder.

    Seeds the global random states of Python, NumPy and the backend at the start of each epoch. The state after each
    epoch is kept until the run is finished, so that ``zoo.resume`` can continue a run that was interrupted or killed.

    Args:
        preset: ``architecture/dataset[-variant]``; with ``data``, an architecture.
        epochs: the number of epochs (default: the recipe's).
        seed: makes the run reproducible.
        sample: train on the dataset's embedded sample.
        out: folder that holds the run folders; ``runs`` by default. The run is in
            ``OUT/<architecture>/<dataset[-variant]>/seed<S>-<hash of the configuration>``.
        data: images to train on instead of a named dataset: an array ``(n, H, W, C)``, uint8 in 0..255 or float in
            [0, 1], a ``Split``, a ``Dataset``, or a tuple ``(train, validation[, test])`` of arrays or splits. What is
            not given, a tenth of the training images each for validation and test, is split off, the same for every
            seed. The batch size and the number of epochs follow from the number of images unless they are given.
        data_dir: folder with the official files of the dataset.
        start: a run, its folder, a folder of trained weights or a ``.keras`` file, whose weights training starts from:
            a model of the same architecture with the same options; the optimizer and the schedules start anew.
        callbacks: Keras callbacks, or functions that make one, as ``"module:function"``, called with the run. Those of
            the recipe are used in any case. They run after the zoo's check of the loss and before an epoch is saved. A
            callback that raises fails the run.
        overwrite: replace an existing run folder.
        deterministic: restrict TensorFlow to operations that are reproducible to the bit; None: only if there is no
            GPU.
        tensorboard: write event files into the folder's ``tensorboard``; needs the package of that name.
        profile: trace some steps of the first epoch and write ``profile.json``, which shows where the time goes
            (see ``zoo.training.profile``), and the trace for TensorBoard; only on TensorFlow.
        devices: ``one``; or ``all``, every GPU of the machine, each of which computes its share of every batch. The
            result is the same, up to rounding and, on TensorFlow, to what is drawn.
        progress: show progress on stderr; or a function that is called with a ``zoo.progress.Moment`` now and then.
        **overrides: recipe settings (``learning_rate=0.0003``) and architecture options (``latent_dim=32``).

    Returns:
        The run: ``run.model`` (of the best validation epoch), ``run.scores`` (on the test split), ``run.path``.

    Raises:
        UnknownNameError: no such preset.
        TypeError: an unknown option; ValueError: an invalid value, images that are not as described above, or a
            callback that cannot be imported.
        DatasetError: the images are not available.
        RunError: the run folder already exists or another process is training in it; there is no such model to start
            from, or it is another architecture; training failed (the reason is in the folder's ``run.json``); a package
            that TensorBoard needs is missing; or a profile is requested on another backend.
        KeyboardInterrupt: training was interrupted; the message says what was kept.
    """
    if not isinstance(seed, numbers.Integral) or not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed!r}: expected a whole number from 0 to 2**32 - 1")
    seed = int(seed)
    check_clock()
    check_devices(devices)
    if tensorboard:
        check_tensorboard()
    if profile:
        check_profiler()
    names, own = split_callbacks(callbacks)
    if names:
        overrides["callbacks"] = names
    given = None if data is None else as_dataset(data)
    if given is not None and data_dir is not None:
        raise ValueError("data and data_dir are both given: expected one of them")
    plan = plan_run(preset, epochs=epochs, sample=sample, data=given, **overrides)
    check_names(plan.recipe.callbacks)
    config = describe_plan(plan, seed)
    if given is not None:
        config = replace(config, data=fingerprint(given))
    origin = None if start is None else find_start(start)
    if origin is not None:
        config = replace(config, start=origin.sha256)
        check_options(origin, config)
    run = Run(run_path(Path(out if out is not None else "runs"), plan.name, seed, config))
    refuse_link(run.path)
    with claim(run.path):
        refuse_existing(run.path, overwrite)
        dataset = load_dataset(plan.dataset.name, data_dir=data_dir) if given is None else given
        clear(run.path)
        provenance = replace(describe_provenance(plan, dataset, bool(deterministic)), start=origin)
        writer = RecordWriter(run, begin(config, provenance))
        job = Job(
            run, plan, dataset, writer, Point(History(), None), None, progress, tensorboard, profile, own, devices
        )
        return do_job(job, deterministic)


def refuse_link(path: Path) -> None:
    """Raise ``RunError`` if the folder of a new run is a link, since it would be emptied where the link leads."""
    if path.is_symlink():
        raise RunError(f"{path} is a link, which is not followed: remove it, or choose another folder (out=, --out)")


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise ``RunError`` if a folder held by this process contains a run that may not be replaced."""
    if overwrite or not _content(path):
        return
    state = Run(path).state
    ways = "replace it (overwrite=True, --overwrite), or choose another folder (out=, --out) or seed"
    if state in ("running", "interrupted") or (state == "failed" and find_checkpoints(path)):
        ways = f"resume it (zoo.resume, --resume), {ways}"
    ended = ", but its process has ended" if state == "running" else ""
    raise RunError(f"{path} already holds a run ({state}{ended}): {ways}")


def clear(path: Path) -> None:
    """Remove the content of a folder held by this process.

    Raises:
        RunError: something cannot be removed.
    """
    try:
        for item in _content(path):
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink()
    except RecursionError:  # Before Python 3.13, a folder is removed by a function that calls itself.
        raise RunError(f"{path}: cannot be emptied: its folders lie too deep: remove it by other means") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be emptied: {error.strerror}: choose another folder (out=, --out)") from error


def _content(path: Path) -> list[Path]:
    return [item for item in path.iterdir() if item.name != LOCK_FILE]
