"""The table of scores: the name of each, its unit, and which direction is better. All displays of scores use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zoo.score import DESCRIPTIONS, InTable, Score, described_scores

NATS = "nats/image"
# Units of scores specific to a kind of model (``AutoEncoder.extra_scores``), by the last word of the name.
UNITS = {"nats": NATS, "bits": "bits/image", "db": "dB"}


def _time(verb: str, count: int, column: InTable | None = None) -> Score:
    images = f"{count} image{'s' if count > 1 else ''}"
    definition = f"median time of one compiled call of the {verb}r on {images}"
    return Score(("cost", f"{verb}_ms", str(count)), f"time to {verb} {images}", "ms", definition, in_table=column)


def _operations(part: str) -> Score:
    definition = f"floating-point operations of the {part} for one image; a multiply-add is two"
    return Score(("cost", "flops", part), f"operations of the {part}", "MFLOPs/image", definition, scale=1e6)


SCORES: tuple[Score, ...] = (
    Score(
        ("negative_elbo",), "-ELBO", NATS, "upper bound on -log p(x): reconstruction + KL divergence",
        in_table=InTable(1, unit="nats", heading="-ELBO", orders=True),
    ),
    Score(
        ("reconstruction",), "reconstruction", NATS, "-log p(x|z): the cost of an image when z is known",
        lower_is_better=None,
    ),
    Score(
        ("kl",), "KL divergence", NATS, "the cost of the latents; neither direction is better", lower_is_better=None,
        in_table=InTable(5, name="KL", unit="nats", heading="KL"),
    ),
    Score(
        ("bits_per_dim",), "bits per dimension", "", "-ELBO in bits for each value of an image", digits=3,
        in_table=InTable(3, digits=3, name="bits/dim"),
    ),
    Score(
        ("cross_entropy",), "cross-entropy (no likelihood)", NATS,
        "of grey images under a Bernoulli decoder, which is not a likelihood for them",
        in_table=InTable(2, name="cross-entropy", unit="nats", heading="cross-entropy", orders=True),
    ),
    Score(
        ("mse",), "mean squared error", "", "mean squared error of the reconstruction, values in [0, 1]", digits=5,
        in_table=InTable(6, digits=4, name="MSE", heading="mse", orders=True),
    ),
    Score(
        ("psnr",), "PSNR", "dB", "of reconstructions: 10 log10(1 / mse) of each image, then the mean",
        lower_is_better=False, in_table=InTable(7),
    ),
    Score(
        ("ssim",), "SSIM", "", "structural similarity of image and reconstruction, at most 1", digits=4,
        lower_is_better=False, in_table=InTable(8, digits=3),
    ),
    Score(
        ("active_units",), "active latents", "", "latents whose mean varies over the images with a variance above 0.01",
        lower_is_better=None,
    ),
    Score(
        ("parameters",), "parameters", "", "of encoder and decoder, trainable or not", lower_is_better=None,
        in_table=InTable(9, digits=0, over_seeds=False),
    ),
    Score(("iwae", "nats"), "importance-weighted bound", NATS, "upper bound on -log p(x), tighter with more draws k"),
    _operations("encoder"),
    _operations("decoder"),
    _time("encode", 1),
    _time("encode", 128),
    _time("decode", 1, InTable(11, name="decode", heading="decode ms", over_seeds=False)),
    _time("decode", 128),
    Score(
        ("cost", "peak_memory_mb"), "peak memory of the process", "MiB",
        "the highest memory use of the process up to that point", digits=0,
    ),
    Score(
        ("cost", "train_images_per_second"), "training speed", "images/s",
        "images processed per second of training, median over epochs", digits=0, lower_is_better=False,
        in_table=InTable(12, digits=0, name="speed", heading="images/s", over_seeds=False, on_page=False),
    ),
    Score(
        ("cost", "train_seconds"), "training time", "s", "all epochs, validation and saving included",
        in_table=InTable(13, digits=0, name="training", heading="train s", over_seeds=False, on_page=False),
    ),
    Score(("cost", "epochs"), "epochs", "", "the number of epochs trained", lower_is_better=None),
)  # fmt: skip
_BY_PATH = {score.path: score for score in SCORES}
# What a result, a leaderboard's row or its columns already hold, so that no plugin's score may have the name.
TAKEN_NAMES = frozenset({score.path[0] for score in SCORES} | {score.path[-1] for score in SCORES}) | {
    DESCRIPTIONS, "active_units_per_group", "baseline", "binarization", "conditional", "data", "dataset", "decode_ms",
    "difference", "encode_ms", "flops", "images", "kl_per_group", "kl_per_latent", "likelihood", "model", "part",
    "preset", "rank", "runs", "seed", "seeds", "validation",
}  # fmt: skip


def find_score(*path: str) -> Score | None:
    """Return the score with that path in a result; None if the table has none."""
    return _BY_PATH.get(path)


def score_at(*path: str, result: Mapping[str, Any] | None = None) -> Score:
    """Return the table's score with that path in a result, or one derived from the name itself.

    The name of a score specific to a kind of model ends with its unit, if it has one: ``rate_bits``.

    Args:
        *path: the path.
        result: a result that may describe plugins' scores.
    """
    described = next((score for score in described_scores(result) if score.path == path), None)
    known = described or find_score(*path) or find_score(path[-1])
    if known is not None:
        return known
    words = " ".join(path).split("_")
    unit = UNITS.get(words[-1], "") if len(words) > 1 else ""
    return Score(path, " ".join(words[:-1] if unit else words), unit, lower_is_better=None)


def table_scores(result: Mapping[str, Any] | None = None, *, over_seeds: bool | None = None) -> list[Score]:
    """Return the scores that leaderboards have columns for, in their order.

    Args:
        result: one that may describe plugins' scores, which then have columns too.
        over_seeds: only those that differ between seeds, or only the others; None: all.
    """
    shown = [(score.in_table, score) for score in (*SCORES, *described_scores(result)) if score.in_table]
    wanted = [(it, score) for it, score in shown if over_seeds in (None, it.over_seeds)]
    return [score for _, score in sorted(wanted, key=lambda pair: pair[0].place)]


def main_score(results: Iterable[Mapping[str, Any]]) -> Score:
    """Return the score that orders results: the first that all of them have.

    Args:
        results: values by the names of scores; None where a value is missing.

    Raises:
        ValueError: there is no such score.
    """
    results = list(results)
    for score in table_scores():
        if score.in_table is not None and score.in_table.orders and all(score.read(it) is not None for it in results):
            return score
    raise ValueError("the rows have no score in common that could order the table")


COLLAPSED_KL = 0.1


def has_collapsed(active_units: float | None, kl: float | None) -> bool:
    """Whether the posterior has collapsed onto the prior: no latent is active, or the KL is below 0.1 nats in all."""
    return active_units == 0 or (kl is not None and kl < COLLAPSED_KL)
