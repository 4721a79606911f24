"""What a page shows of samples: from the prior, and by samplers, with scores that compare them with test images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from zoo.autoencoder.model import AutoEncoder
from zoo.data.dataset import Split
from zoo.errors import ZooError
from zoo.evaluation.samples.scores import NEIGHBOURS, sample_scores
from zoo.plotted import labels_by_column
from zoo.report.pictures import Sheet, make_sheet
from zoo.samplers.files import load_saved
from zoo.samplers.fitting import fit
from zoo.samplers.prior import Prior
from zoo.samplers.sampler import Sampler

ROWS, COLUMNS = 4, 10
SCORES = (("precision", 3), ("recall", 3), ("frechet_distance", 2))


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Args:
        samples: the number that is scored, by each sampler; 0 for no scores.
        samplers: names of those to fit to the training images.
    """

    samples: int = 0
    samplers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.samples and self.samples <= NEIGHBOURS:
            raise ValueError(f"samples is {self.samples}: expected 0 for no scores, or more than {NEIGHBOURS}")


def open_samplers(
    model: AutoEncoder, folder: Path, known: Split | None, names: Sequence[str], notes: list[str]
) -> list[Sampler]:
    """Return the samplers that are saved beside a model, and those that are named, fitted.

    Args:
        model: the model.
        folder: its run folder, or that of its weights.
        known: the images that it was trained on; None if they are not available.
        names: of those to fit.
        notes: get a sentence for each that there cannot be.
    """
    found = load_saved(folder, model, lambda error: notes.append(f"A sampler cannot be loaded: {error}"))
    for name in names:
        if known is None:
            notes.append(f"The sampler {name} cannot be fitted: the training images are not available.")
            continue
        try:
            found.append(fit(model, known, name))
        except (ValueError, ZooError) as error:
            notes.append(f"The sampler {name} cannot be fitted: {error}")
    return found


def draw_samples(model: AutoEncoder, samplers: Sequence[Sampler]) -> list[Sheet]:
    """Return a sheet of samples from the prior, and one by each sampler; they have labels if there are several."""
    count, labels = ROWS * COLUMNS, labels_by_column(model, ROWS, COLUMNS)
    return [
        make_sheet(draw(count, seed=0), f"{count} samples by {name}", name if samplers else "", COLUMNS)
        for name, draw in _by_name(model, samplers, labels)
    ]


def score_samples(
    model: AutoEncoder, samplers: Sequence[Sampler], split: Split | None, count: int, notes: list[str]
) -> tuple[str, list[tuple[str, ...]]]:
    """Return what the scores are of, and a row for each sampler: its name, and each score with its interval.

    Args:
        model: the model.
        samplers: what is scored beside the prior.
        split: the test images; None if they are not available.
        count: the number of samples, and of images that they are compared with; fewer if there are fewer.
        notes: get a sentence if there can be no scores.
    """
    if split is None:
        notes.append("The samples are not scored: there are no test images to compare them with.")
        return "", []
    real = split.limit(count)
    labels = real.labels if model.takes_labels else None
    rows: list[tuple[str, ...]] = []
    for name, draw in _by_name(model, samplers, labels):
        try:
            found = sample_scores(draw(len(real), seed=0), real)
        except ValueError as error:
            notes.append(f"The samples are not scored: {error}")
            return "", []
        cells = [_show(found[score], digits) for score, digits in SCORES]
        rows.append((name, *(cell for pair in cells for cell in pair)))
    about = f"{len(real):,} samples against as many test images, {found['features']}, k = {found['k']}"
    return f"{about}, with 95 % intervals", rows


def _by_name(
    model: AutoEncoder, samplers: Sequence[Sampler], labels: np.ndarray | None
) -> list[tuple[str, Callable[..., np.ndarray]]]:
    """Return what draws from the prior, given labels or not, and by each sampler; names may be broken at spaces."""
    prior = model.sample if labels is None else partial(model.sample, labels=labels)
    return [(Prior.name, prior), *((it.title.replace("_", " "), it.sample) for it in samplers)]


def _show(score: dict[str, float], digits: int) -> tuple[str, str]:
    low, high = f"{score['low']:,.{digits}f}", f"{score['high']:,.{digits}f}"
    return f"{score['value']:,.{digits}f}", f"{low} to {high}"
