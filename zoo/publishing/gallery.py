"""A page of trained models: a row for each, with its card, its scores and pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from zoo.publishing.card import escape
from zoo.publishing.seeds import summarise_seeds
from zoo.runs.finding import find_files
from zoo.score_names import main_score, score_at
from zoo.weights.folder import ARRAYS_FILE, CARD_FILE, PICTURES, WeightsFolder, is_weights_folder

_HEADER = ("model", "parameters", "MB", "score", "PSNR dB", "reconstructions", "samples")


def find_folders(folder: Path) -> list[WeightsFolder]:
    """Return all folders of trained weights in a folder and its subfolders, sorted by the preset's name."""
    seen = find_files(folder, ARRAYS_FILE)
    found = [WeightsFolder(file.parent) for file in seen.files[ARRAYS_FILE] if is_weights_folder(file.parent)]
    return sorted(found, key=lambda it: (it.config.dataset, it.config.name))


def make_gallery(folders: Iterable[WeightsFolder], home: Path) -> str:
    """Return the table as Markdown.

    Args:
        folders: the models.
        home: the folder of the page, which links are relative to.

    Raises:
        ModelLoadError: a folder is damaged.
    """
    rows = [_make_row(folder, home) for folder in folders]
    if not rows:
        return "There are none yet.\n"
    header = [f"| {' | '.join(_HEADER)} |", "| --- | --: | --: | --: | --: | --- | --- |"]
    return "\n".join([*header, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def _make_row(folder: WeightsFolder, home: Path) -> list[str]:
    config, scores = folder.config, folder.scores
    folder.check_card()
    score, psnr = main_score([scores]), score_at("psnr")
    summary = summarise_seeds(config)
    over = "" if summary.half is None else f" ({score.show(summary.mean)} ± {score.show(summary.half)})"
    value = psnr.read(scores)
    size = (folder.path / ARRAYS_FILE).stat().st_size
    return [
        f"[{escape(config.name)}]({_link(folder, CARD_FILE, home)})",
        f"{config.parameters:,}",
        f"{size / 1e6:.1f}",
        f"{escape(score.title)} {score.show(score.read(scores))}{over} {escape(score.unit)}",
        "-" if value is None else psnr.show(value),
        *(f"![{name.partition('.')[0]}]({_link(folder, name, home)})" for name in PICTURES),
    ]


def _link(folder: WeightsFolder, name: str, home: Path) -> str:
    path = os.path.relpath((folder.path / name).absolute(), home.absolute())
    return quote(Path(path).as_posix(), safe="/@")
