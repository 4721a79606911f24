"""Measures how good samples are by every sampler: ``python docs/compare_samplers.py``, some ten minutes on two cores.

Writes docs/samplers.json and the picture docs/samplers.png. It needs the full MNIST. Then ``python docs/tables.py``
makes the table.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOUND, PICTURE = ROOT / "docs" / "samplers.json", ROOT / "docs" / "samplers.png"
PRESET, COUNT, SEED, SHOWN = "small_cnn/mnist-binary", 10_000, 0, 16
SAMPLERS = ("prior", "gaussian_mixture:10", "gaussian_mixture:100", "two_stage", "masked_autoregressive_flow")
SCORES = {"precision": 3, "recall": 3, "frechet_distance": 2}  # And their digits.
# What no sampler of the model could beat, and what no model could.
REFERENCES = ("reconstructions of the test images", "validation images")


def measure() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the scores of samples by each sampler, and the first images of each row."""
    import zoo

    model, data = zoo.create_model(PRESET, weights="default"), zoo.load_dataset("mnist")
    test, rows, pictures = data.test.limit(COUNT), [], {}
    for name in SAMPLERS:
        start = time.perf_counter()
        sampler = zoo.samplers.fit(model, data.train, name, seed=SEED, progress=True)
        fitted = time.perf_counter()
        samples = sampler.sample(COUNT, seed=SEED)
        seconds = {"fit": fitted - start, "sample": time.perf_counter() - fitted}
        rows.append({"name": name, **zoo.sample_scores(samples, test), "seconds": seconds})
        pictures[name] = samples[:SHOWN]
    for name, images in zip(REFERENCES, (model.reconstruct(test), data.validation.images[:COUNT]), strict=True):
        rows.append({"name": name, **zoo.sample_scores(images, test), "seconds": None})
        pictures[name] = images[:SHOWN]
    return {"preset": PRESET, "rows": rows}, pictures


def make_rows() -> tuple[list[list[str]], str]:
    """Return the rows of the table, the header first, and an explanation, from docs/samplers.json."""
    found = json.loads(FOUND.read_text(encoding="utf-8"))
    rows = [["samples by", "precision", "recall", "Frechet distance", "seconds to fit"]]
    for row in found["rows"]:
        scores = [
            show(row[name], digits) for name, digits in (("precision", 3), ("recall", 3), ("frechet_distance", 2))
        ]
        seconds = "-" if row["seconds"] is None else f"{row['seconds']['fit']:,.0f}"
        rows.append([f"`{row['name']}`" if row["name"] in SAMPLERS else row["name"], *scores, seconds])
    first = found["rows"][0]
    explanation = (
        f"`{found['preset']}`: {first['samples']:,} samples against {first['images']:,} test images of MNIST, "
        f"{first['features']}, k = {first['k']}, with 95 % intervals; fitted to the 50,000 training images on "
        f"{found['machine']['processors']} cores."
    )
    return rows, explanation


def show(score: dict[str, float], digits: int) -> str:
    """Return a score with its interval."""
    return "{value:,.{d}f} ({low:,.{d}f} to {high:,.{d}f})".format(**score, d=digits)


def draw(pictures: dict[str, Any], file: Path) -> None:
    """Draw the first images of each row."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib.figure import Figure

    from zoo.files import write_figure

    figure = Figure(figsize=(9, 0.62 * len(pictures)), dpi=100, layout="constrained")
    axes = figure.subplots(len(pictures), 1)
    for axis, (name, images) in zip(axes, pictures.items(), strict=True):
        axis.imshow(images[..., 0].transpose(1, 0, 2).reshape(images.shape[1], -1), cmap="gray_r")
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        axis.set(xticks=[], yticks=[], frame_on=False)
    write_figure(file, figure)


def main() -> None:
    """Measure all, and draw."""
    from zoo.compression.fingerprint import describe_machine
    from zoo.files import write_json

    found, pictures = measure()
    write_json(FOUND, {"machine": describe_machine(), **found})
    draw(pictures, PICTURE)


if __name__ == "__main__":
    # Import the zoo from this checkout, not an installed one.
    sys.path.insert(0, str(ROOT))
    main()
