"""From a finished run to a folder of trained weights."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from zoo import plots
from zoo.autoencoder.arrays import get_arrays
from zoo.autoencoder.model import AutoEncoder
from zoo.compression.measured import COMPRESSED, measure_compressed
from zoo.compression.stack import check_installed
from zoo.data.dataset import Split
from zoo.data.load import load_recorded_dataset
from zoo.errors import RunError
from zoo.evaluation.scores import evaluate
from zoo.factory.assemble import parameter_count
from zoo.factory.trained import load_weights_folder
from zoo.files import copy_file, making_folder, write_figure, write_json, write_text
from zoo.json_fields import to_json
from zoo.publishing.card import make_card
from zoo.publishing.rounding import compare_rounded
from zoo.publishing.seeds import find_seeds
from zoo.registry import catalogue
from zoo.registry.specs import LATENT_OPTIONS
from zoo.runs.history import HISTORY_FILE, History
from zoo.runs.run import Run
from zoo.score_names import main_score
from zoo.version import __version__
from zoo.weights.arrays import round_arrays, write_arrays
from zoo.weights.config import DEFAULT, FORMAT, Origin, WeightsConfig, is_tag
from zoo.weights.folder import (
    ARRAYS_FILE,
    CARD_FILE,
    CONFIG_FILE,
    PICTURES,
    SCORES_FILE,
    WeightsFolder,
    is_weights_folder,
    remove_files,
    write_sums,
)
from zoo.weights.sources import folder_name

SHOWN = 10  # Images in the picture of reconstructions.
TOLERANCE = 1e-3  # Relative. Beyond it, the model scores otherwise here than where it was trained.


def publish(
    run: Run | str | Path,
    to: str | Path | None = None,
    *,
    tag: str = DEFAULT,
    licence: str | None = None,
    importance_samples: int = 0,
    compress: int = 0,
    data_dir: str | Path | None = None,
    overwrite: bool = False,
    tell: Callable[[str], None] = lambda text: None,
) -> WeightsFolder:
    """Make a folder of trained weights from a finished run.

    Large arrays are stored as float16 if the model scores the same with them, as float32 otherwise; the scores of the
    folder are those of what is stored.

    Args:
        run: the run, or its folder.
        to: the folder to make; by default ``weights/<architecture>/<dataset[-variant]>[@tag]``.
        tag: the name of these weights among those of the preset; ``default`` is what ``weights="default"`` loads.
        licence: the licence of the weights, such as ``MIT``.
        importance_samples: k of the importance-weighted bound; 0 omits it.
        compress: how many test images to compress, so that the card says what they take; 0 omits it.
        data_dir: folder with the official files of the dataset.
        overwrite: replace weights that are there.
        tell: called with what is being done.

    Returns:
        The folder.

    Raises:
        RunError: the run is not finished, one of its files has changed, it has no scores or was trained on images that
            others cannot have, or the folder exists.
        DatasetError: the test images are not available, or not those that the run was scored on.
        CompressionError: the test images cannot be compressed, or ``constriction`` is not installed.
        ModelLoadError: the model cannot be loaded, or not be built again from its options.
    """
    run = run if isinstance(run, Run) else Run(Path(run))
    if not is_tag(tag):
        raise RunError(f"tag {tag!r}: expected letters, digits, dots, dashes and underscores, such as 'long'")
    before = _check_run(run)
    if compress:
        check_installed()
    config = run.content.config
    target = Path(to) if to is not None else Path("weights", config.architecture, folder_name(config.preset, tag))
    _check_target(target, overwrite)
    test = load_recorded_dataset(config.dataset, data_dir=data_dir).test
    if test.sha256 != before["data"]["sha256"]:
        raise RunError(f"{run.path}: the test images of {config.dataset} here are not those that the run was scored on")
    tell("scoring the trained weights")
    model, seed = run.model, before["seed"]
    described = _describe(run, model, tag, licence)
    trained = evaluate(model, test, seed=seed)
    _check_scores(run, before, trained)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with making_folder(target) as folder:
            made = _store(folder, described, get_arrays(model), test, seed, trained, tell)
            loaded = load_weights_folder(made)
            tell("scoring what is stored")
            scores = evaluate(loaded, test, seed=seed, importance_samples=importance_samples, progress=True)
            if compress:
                scores[COMPRESSED] = measure_compressed(loaded, test, compress, progress=True)
            _fill(folder, made.config, scores, run, loaded, test)
            if overwrite:
                remove_files(target)
    except OSError as error:
        raise RunError(f"{target}: cannot be written: {error.strerror or error}") from error
    return WeightsFolder(target)


def _check_run(run: Run) -> dict[str, Any]:
    """Return the scores of a run that may be published, or raise ``RunError``."""
    doubts, scores, config = run.doubts(), run.scores, run.content.config
    if doubts:
        raise RunError(f"{doubts[0]}: only an intact, finished run is published")
    if scores is None:
        raise RunError(f"{run.path}: the run has no scores")
    if scores["data"]["sha256"] is None or config.data is not None or config.dataset not in catalogue.list_datasets():
        raise RunError(
            f"{run.path}: the run was trained on {config.dataset[:100]!r}, images that nobody else finds by this name: "
            "describe them in a zoo.DatasetSpec, and train on that"
        )
    return scores


def _check_target(target: Path, overwrite: bool) -> None:
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not overwrite or not is_weights_folder(target):
        way_out = "choose another folder or tag" + (", or overwrite=True (--overwrite)" if not overwrite else "")
        raise RunError(f"{target} exists already: {way_out}")


def _check_scores(run: Run, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    score = main_score([before])
    old, new = score.read(before), score.read(after)
    if new is None or abs(old - new) > TOLERANCE * max(1.0, abs(old)):
        raise RunError(f"{run.path}: its {score.title} is {old!r}, but {new!r} when scored again: train it here again")


def _describe(run: Run, model: AutoEncoder, tag: str, licence: str | None) -> WeightsConfig:
    config, provenance = run.content.config, to_json(run.content.provenance)
    # Paths on this machine are nobody else's business.
    for resumed in provenance.get("resumed", ()):
        resumed["run"] = Path(resumed["run"]).name
    if provenance.get("start"):
        provenance["start"]["path"] = Path(provenance["start"]["path"]).name
    architecture, dataset = catalogue.architecture(config.architecture), catalogue.dataset(config.dataset)
    plugin = run.content.provenance.plugin
    options = dict(config.options)
    if not all(isinstance(options.get(key, 0), int | list | tuple) for key in LATENT_OPTIONS):
        # A function of the image shape, of which a run records the name.
        options = {key: value for key, value in options.items() if key not in LATENT_OPTIONS}
        options["latent_shape"] = list(model.latent_shape)
    return WeightsConfig(
        format=FORMAT,
        tag=tag,
        preset=config.preset,
        architecture=config.architecture,
        dataset=config.dataset,
        plugin=None if plugin is None else Origin(plugin.name, plugin.distribution, plugin.version),
        image_shape=model.image_shape,
        latent_shape=model.latent_shape,
        options=options,
        recipe=config.recipe,
        seed=config.seed,
        parameters=parameter_count(model),
        dtype="float32",
        summary=(architecture.summary, dataset.summary),
        source=architecture.source,
        licence=licence,
        rounding=None,
        seeds=find_seeds(run),
        zoo=__version__,
        backend=keras.backend.backend(),
        run={"provenance": provenance, "best": run.best, "cost": run.cost},
        classes=model.classes if model.takes_labels else None,
    )


def _store(
    folder: Path, config: WeightsConfig, arrays: Mapping[str, Any], test: Split, seed: int, trained: Mapping[str, Any],
    tell: Callable[[str], None],
) -> WeightsFolder:  # fmt: skip
    """Write the arrays, rounded if that costs nothing, and what they are."""
    rounded, rounding = round_arrays(arrays), None
    if rounded is not None:
        tell("scoring them as float16")
        made = _write(folder, dataclasses.replace(config, dtype="float16"), rounded)
        rounding = compare_rounded(trained, evaluate(load_weights_folder(made), test, seed=seed), config.image_shape)
    kept = rounding is not None and rounding.kept
    return _write(
        folder,
        dataclasses.replace(config, dtype="float16" if kept else "float32", rounding=rounding),
        rounded if kept and rounded is not None else arrays,
    )


def _write(folder: Path, config: WeightsConfig, arrays: Mapping[str, Any]) -> WeightsFolder:
    (folder / ARRAYS_FILE).write_bytes(write_arrays(arrays))
    write_json(folder / CONFIG_FILE, config.to_dict())
    write_sums(folder)
    return WeightsFolder(folder)


def _fill(
    folder: Path, config: WeightsConfig, scores: Mapping[str, Any], run: Run, model: AutoEncoder, test: Split
) -> None:
    write_json(folder / SCORES_FILE, scores)
    copy_file(run.path / HISTORY_FILE, folder / HISTORY_FILE)
    write_figure(folder / PICTURES[0], plots.plot_reconstructions(model, test.limit(SHOWN)))
    write_figure(folder / PICTURES[1], plots.plot_samples(model, columns=SHOWN))
    plain = json.loads((folder / SCORES_FILE).read_text("utf-8"))
    write_text(folder / CARD_FILE, make_card(config, plain, History.read(folder), PICTURES))
    write_sums(folder)
