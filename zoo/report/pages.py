"""The page of a model."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import keras

from zoo.data.dataset import Dataset, Split
from zoo.errors import ZooError
from zoo.registry.loading import describe_error
from zoo.report.album import Album, draw_kl, make_album
from zoo.report.explorers import make_explorer
from zoo.report.groups import Entry, Figure, Group, draw_training
from zoo.report.kept import album_key, find_album, keep_album
from zoo.report.samples import Asked, open_samplers, score_samples
from zoo.report.typography import NONE, typeset
from zoo.runs.run import Run
from zoo.saving.load import MODEL_FILE, load_model
from zoo.score import DESCRIPTIONS
from zoo.score_names import main_score, score_at


@dataclass(frozen=True)
class RunRow:
    """One run of a model: seed, folder and scores."""

    seed: int
    folder: str
    link: str
    score: str
    kl: str
    epoch: str
    seconds: str
    started: str


@dataclass(frozen=True)
class Page:
    """The page about one model.

    Args:
        entry: the model.
        group: the models that it is compared with.
        album: its pictures.
        seed: seed of the run shown in the pictures; None if no model could be loaded.
        notes: warnings for the reader.
        runs: its runs.
        facts: lists of names and values, by heading.
        training: training curves; None if no history can be read.
        explorer: the page in which the latent space is explored, as JSON; None for none.
    """

    entry: Entry
    group: Group
    album: Album
    seed: int | None
    notes: list[str]
    runs: list[RunRow]
    facts: dict[str, list[tuple[str, str]]]
    training: Figure | None
    explorer: str | None = None


def make_page(
    entry: Entry,
    group: Group,
    folder: Path,
    home: Path,
    load: Callable[[str], Dataset],
    *,
    explore: bool = False,
    asked: Asked | None = None,
) -> Page:
    """Load a model and draw its pictures; anything that is not available becomes a note.

    Args:
        entry: the model.
        group: the models that it is compared with.
        folder: the folder of all runs, which is left out of paths in notes.
        home: the folder that will contain the report.
        load: loads a dataset by its name.
        explore: whether the page has one in which the latent space is explored.
        asked: which samplers are fitted, and how many samples are scored; by default none.
    """
    notes: list[str] = []
    album, seed, explorer = Album(), None, None
    for run in entry.runs:
        try:
            album = _open_album(run, entry, notes, load, asked or Asked())
            explorer = make_explorer(run, entry.name, notes, load) if explore else None
            seed = run.config["seed"]
            break
        except ZooError as error:
            notes.append(f"Seed {run.config['seed']}: the model cannot be loaded: {error}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # A plugin's layers can raise anything.
            notes.append(f"Seed {run.config['seed']}: the model cannot be shown: {describe_error(error)}")
    if seed is None:
        notes.append("No pictures can be drawn without a model; the scores are from the run files.")
        kl = (entry.runs[0].scores or {}).get("kl_per_latent")
        album = Album(bars=draw_kl(kl, entry.anchor) if kl else None)
    doubts = [doubt for run in entry.runs for doubt in run.find_doubts()]
    notes += [doubt.text for doubt in doubts if doubt.file.name != MODEL_FILE or seed is not None]
    notes = [note.replace(f"{folder}{os.sep}", "") for note in notes]
    rows = [_row(run, home) for run in entry.runs]
    return Page(entry, group, album, seed, notes, rows, _facts(entry.runs[0]), draw_training(entry), explorer)


def _open_album(run: Run, entry: Entry, notes: list[str], load: Callable[[str], Dataset], asked: Asked) -> Album:
    split: Split | None = None
    known: Split | None = None
    classes: tuple[str, ...] = ()
    about: list[str] = []
    try:
        dataset = load(run.config["dataset"])
        split, known, classes = dataset.test, dataset.train, dataset.classes
        if split.sha256 != (run.scores or {})["data"]["sha256"]:
            about.append(f"The test images of {dataset.name} found here are not those that the run was scored on.")
            split = known = None
    except ZooError as error:
        about.append(f"The test images are not available, so pictures of them are left out: {error}")
    key = album_key(run, split, classes, entry.anchor, known, asked)
    found = find_album(key)
    if found is None:
        found = _draw_album(run, entry, split, classes, known, asked)
        keep_album(key, *found)
    album, doubts = found
    notes += [*about, *doubts]
    return album


def _draw_album(
    run: Run, entry: Entry, split: Split | None, classes: tuple[str, ...], known: Split | None, asked: Asked
) -> tuple[Album, list[str]]:
    """Load a model and draw its pictures; return them and what is doubtful about the model and its samplers."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        model = load_model(run.path)
    try:
        doubts = [str(warning.message) for warning in caught]
        samplers = open_samplers(model, run.path, known, asked.samplers, doubts)
        kl = (run.scores or {}).get("kl_per_latent")
        album = make_album(model, split, classes, kl, entry.anchor, samplers)
        if asked.samples:
            album.scored, album.sample_scores = score_samples(model, samplers, split, asked.samples, doubts)
        return album, doubts
    finally:
        del model
        keras.utils.clear_session()  # It collects garbage.


def link_to(folder: Path, home: Path) -> str:
    """Return the relative URL from a report's folder to another folder."""
    try:
        path = os.path.relpath(folder.absolute(), home.absolute())
    except ValueError:  # The folder is on another drive.
        return folder.absolute().as_uri() + "/"
    # Without "./", a colon in the first name would make it a URL scheme.
    return "./" + quote(os.fsencode(Path(path).as_posix())) + "/"


def _row(run: Run, home: Path) -> RunRow:
    scores, best = run.scores or {}, run.best or {}
    score, seconds = main_score([scores]).read(scores), run.content.cost.train_seconds
    return RunRow(
        seed=run.config["seed"],
        folder=run.path.name,
        link=link_to(run.path, home),
        score=f"{score:,.4g}" if abs(score) < 10 else f"{score:,.1f}",
        kl=NONE if scores["kl"] is None else f"{scores['kl']:,.1f}",
        epoch=str(best.get("epoch", NONE)),
        seconds=NONE if seconds is None else f"{seconds:,.0f}",
        started=run.content.provenance.started.replace("T", " ").removesuffix("+00:00"),
    )


def _facts(run: Run) -> dict[str, list[tuple[str, str]]]:
    """Return configuration, scores, costs and provenance of a run as text."""
    config, scores, provenance = run.config, run.scores or {}, run.content.provenance
    cost = {("cost", *keys): value for keys, value in _leaves(run.cost)}
    facts = ("data", "likelihood", "binarization", "conditional", "seed", "kl_per_latent", "iwae", DESCRIPTIONS)
    own = [key for key in scores if key not in facts]
    plugin = provenance.plugin
    environment = [(key, getattr(provenance, key)) for key in ("zoo", "python", "backend", "platform", "threads")]
    packages = [*provenance.packages.items()]
    rest = [("precision", provenance.precision), ("deterministic", provenance.deterministic)]
    data = [(f"{part} images", f"{it.images:,}, SHA-256 {it.sha256[:12]}…") for part, it in provenance.dataset.items()]
    return {
        "Architecture": [("preset", config["preset"]), *_texts(config["options"].items())],
        "Recipe": _texts(config["recipe"].items()),
        "Scores": _titled({(key,): scores[key] for key in own}, scores),
        "Costs": _titled(cost, scores),
        "Provenance": [
            ("plugin", f"{plugin.name} {plugin.version}" if plugin else "none"),
            *_texts([*environment, *packages, *rest]),
            *data,
        ],
    }


def _leaves(values: dict[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for key, value in values.items():
        found += (
            [((key, *keys), leaf) for keys, leaf in _leaves(value)] if isinstance(value, dict) else [((key,), value)]
        )
    return found


def _titled(values: dict[tuple[str, ...], Any], result: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for keys, value in values.items():
        if value is None:
            continue
        score = score_at(*keys, result=result)
        number = value if score.scale == 1 else value / score.scale
        found.append((typeset(score.title), f"{show(number)} {score.unit}".strip()))
    return found


def _texts(items: Any) -> list[tuple[str, str]]:
    return [(str(key).replace("_", " "), show(value)) for key, value in items if value is not None]


def show(value: Any) -> str:
    """Return a value of a run file as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {show(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(show, value))
    return str(value)
