"""The commands that score models: ``zoo evaluate`` and ``zoo compare``."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import zoo
from zoo.cli.options import as_json, data_option, dataset_option, part_option, seed_option, source_argument
from zoo.cli.printing import print_comparison, print_json, print_scores, tell
from zoo.cli.sets_printing import print_outliers, print_samples
from zoo.cli.trained import load_split, load_trained, open_result
from zoo.files import write_text

# As in zoo.evaluation, which is imported with Keras; a test compares them.
ANOMALY_SCORES = ("negative_elbo", "reconstruction_error", "likelihood_regret", "typicality")
_FAST = ("reconstruction_error", "negative_elbo", "typicality")
_REFERENCE = 2000  # Images.


@click.command()
@source_argument
@dataset_option
@part_option
@data_option
@click.option("--importance-samples", metavar="K", type=click.IntRange(0), default=0,
              help="Samples for the importance-weighted bound (default: 0, which omits it).")  # fmt: skip
@click.option("--iwae", type=click.IntRange(0), hidden=True)  # Its former name.
@click.option("--per-image", metavar="CSV", type=click.Path(path_type=Path, dir_okay=False),
              help="Write the scores of each image to this file.")  # fmt: skip
@click.option("--limit", metavar="N", type=click.IntRange(1), help="Score only the first N images.")
@click.option("--against", metavar="DATASET|FOLDER|FILE.npy",
              help="Other images, made to fit: how well anomaly scores tell them from these.")  # fmt: skip
@click.option("--anomaly-score", "anomaly", type=click.Choice(ANOMALY_SCORES), multiple=True,
              help="Score to tell them by; again for more (default: all but the slow one).")  # fmt: skip
@click.option("--samples", "sample_count", metavar="N", type=click.IntRange(4),
              help="Compare N samples with as many images, for models of digits.")  # fmt: skip
@click.option("--sampler", metavar="NAME",
              help="Sampler to fit to the training images for them, such as two_stage (default: prior).")  # fmt: skip
@seed_option
@as_json
def evaluate(
    source: str, dataset: str | None, part: str, data_dir: Path | None, importance_samples: int, iwae: int | None,
    per_image: Path | None, limit: int | None, against: str | None, anomaly: tuple[str, ...],
    sample_count: int | None, sampler: str | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Score the model in a run folder or a .keras file, or a preset's trained one, and measure its cost."""
    if iwae is not None:
        tell("warning: --iwae is now called --importance-samples")
        importance_samples = iwae
    if anomaly and against is None:
        raise click.UsageError("--anomaly-score needs --against DATASET")
    if sampler is not None and sample_count is None:
        raise click.UsageError("--sampler needs --samples N")
    model = load_trained(source)
    from zoo.data.named_images import read_fitted
    from zoo.evaluation.warnings import explain_scores

    split = load_split(model, source, dataset, part, data_dir)
    if limit is not None:
        split = split.limit(limit)
    # Read first: scoring takes longer.
    others = None if against is None else read_fitted(against, model.image_shape, data_dir, limit)
    samples = None
    if sample_count is not None:
        if model.takes_labels and sampler in (None, "prior"):
            samples = _score_conditional(model, split, sample_count, seed)
        else:
            known = load_split(model, source, dataset, "train", data_dir)
            samples = _score_samples(model, split, known, sample_count, sampler or "prior", seed)
    scores = zoo.evaluate(
        model, split, importance_samples=importance_samples, seed=seed, cost=True, per_image=per_image is not None,
        progress=True,
    )  # fmt: skip
    if per_image is not None:
        _write_csv(per_image, scores.pop("per_image"))
    if importance_samples and scores["iwae"] is None:
        reason = (
            f"{model.likelihood.identifier} is not a likelihood for these images"
            if scores["negative_elbo"] is None
            else f"{type(model).__name__} overrides the terms of the bound, but not log_weights"
        )
        tell(f"no importance-weighted bound: {reason}")
    for sentence in explain_scores(scores):
        tell(f"warning: {sentence}")
    if against is not None and others is not None:
        # Of the images that it was trained on, some to know what is typical.
        known = load_split(model, source, dataset, "train", data_dir).limit(_REFERENCE)
        chosen = anomaly or _FAST[: None if scores["negative_elbo"] is not None else 1]
        scores["outliers"] = _tell_apart(model, split, others, chosen, known, against, seed)
    if samples is not None:
        scores["samples"] = samples
    if as_json:
        print_json(scores)
        return
    print_scores(scores)
    if against is not None:
        print_outliers(scores["outliers"])
    if samples is not None:
        print_samples(samples)


def _tell_apart(
    model: Any, split: Any, others: Any, chosen: Sequence[str], known: Any, against: str, seed: int
) -> dict[str, Any]:
    """Return how well anomaly scores tell other images from those of the split."""
    from zoo.evaluation.outliers import tell_apart

    return {
        "against": against,
        "images": len(others),
        "scores": tell_apart(model, split, others, chosen, reference=known, seed=seed, progress=True),
    }


def _score_samples(model: Any, split: Any, known: Any, count: int, name: str, seed: int) -> dict[str, Any]:
    """Return how samples of a sampler that is fitted to known images compare with those of the split."""
    sampler = zoo.samplers.fit(model, known, name, seed=seed, progress=True)
    return {"sampler": name, **zoo.sample_scores(sampler.sample(count, seed=seed), split.limit(count), seed=seed)}


def _score_conditional(model: Any, split: Any, count: int, seed: int) -> dict[str, Any]:
    """Return how samples of a conditional model compare with the images that have the same labels."""
    import numpy as np

    shown = split.limit(count)
    samples = model.sample(count, seed=seed, labels=np.resize(shown.labels, count))
    return {"sampler": "prior", **zoo.sample_scores(samples, shown, seed=seed)}


def _write_csv(file: Path, scores: dict[str, list[float | None] | None]) -> None:
    """Write the scores of each image, a row each, without those that are not defined for the model."""
    known = {name: values for name, values in scores.items() if values is not None}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", *known])
    writer.writerows([index, *row] for index, row in enumerate(zip(*known.values(), strict=True)))
    write_text(file, text.getvalue())


@click.command()
@click.argument("first", metavar="RUN|JSON|PRESET")
@click.argument("second", metavar="RUN|JSON|PRESET")
@as_json
def compare(first: str, second: str, as_json: bool) -> None:
    """Show the difference between two results: runs, outputs of zoo evaluate --json, or presets' trained weights."""
    found = {source: open_result(source) for source in dict.fromkeys((first, second))}
    comparison = zoo.compare(found[first], found[second])
    if as_json:
        print_json(comparison)
    else:
        print_comparison(comparison, first, second)
