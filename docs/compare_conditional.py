"""Measures what labels do for a model: ``python docs/compare_conditional.py``, some ten minutes on two cores.

Writes docs/conditional.json and the picture docs/conditional.png. It needs the full MNIST. Then
``python docs/tables.py`` makes the tables.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOUND, PICTURE = ROOT / "docs" / "conditional.json", ROOT / "docs" / "conditional.png"
PRESET, EPOCHS, SEEDS, COUNT = "small_cnn/mnist-binary", 3, (0, 1, 2), 1000
SCORES = {"negative_elbo": "-ELBO", "reconstruction": "reconstruction", "kl": "KL divergence"}  # And their titles.


def measure(out: Path) -> tuple[dict[str, Any], Any]:
    """Return the scores with and without labels by seed, what samples are taken for, and the first model with them."""
    import zoo
    from zoo.evaluation.samples.digits import recognise_digits

    rows, first = [], None
    for seed in SEEDS:
        plain, given = (
            zoo.train(PRESET, seed=seed, epochs=EPOCHS, conditional=conditional, out=out)
            for conditional in (False, True)
        )
        row: dict[str, Any] = {"seed": seed, "recognised": []}
        for name, run in (("unconditional", plain), ("conditional", given)):
            assert run.scores is not None
            row[name] = {key: run.scores[key] for key in (*SCORES, "parameters")}
        model = given.model
        for digit in range(10):
            samples = model.sample(COUNT, seed=10 * seed + digit, labels=digit)
            row["recognised"].append(int((recognise_digits(samples) == digit).sum()))
        rows.append(row)
        first = first or model
    test = zoo.load_dataset("mnist").test
    taken = recognise_digits(test.images) == test.labels
    shares = [float(taken[test.labels == digit].mean()) for digit in range(10)]
    return {"preset": PRESET, "epochs": EPOCHS, "samples": COUNT, "rows": rows, "test_images": shares}, first


def make_rows() -> tuple[list[list[str]], list[list[str]], str]:
    """Return the rows of two tables, the headers first, and an explanation, from docs/conditional.json."""
    from zoo.benchmarking.intervals import summarise

    found = json.loads(FOUND.read_text(encoding="utf-8"))
    scores = [["nats per image", "without labels", "with labels", "difference, paired by seed"]]
    for key, title in SCORES.items():
        pair = [[row[name][key] for row in found["rows"]] for name in ("unconditional", "conditional")]
        means = [f"{sum(values) / len(values):.2f}" for values in pair]
        change = summarise([after - before for before, after in zip(*pair, strict=True)])
        scores.append([title, *means, f"{change.mean:+.2f} ({change.low:+.2f} to {change.high:+.2f})"])
    digits = [["label", *map(str, range(10)), "all"]]
    by_digit = list(zip(*(row["recognised"] for row in found["rows"]), strict=True))
    shares = [sum(counts) / len(counts) / found["samples"] for counts in by_digit]
    for title, values in (("samples", shares), ("test images", found["test_images"])):
        digits.append([title, *(f"{value:.1%}" for value in values), f"{sum(values) / len(values):.1%}"])
    seeds, counts = (
        len(found["rows"]),
        [found["rows"][0][name]["parameters"] for name in ("unconditional", "conditional")],
    )
    explanation = (
        f"`{found['preset']}`, {found['epochs']} epochs, {seeds} seeds: means on the 10,000 test images of MNIST, with "
        f"the 95 % interval of the difference (Student's t). {counts[0]:,} parameters without labels, {counts[1]:,} "
        f"with them. Below, how many images the classifier of the digit "
        f"features takes for the digit that their label says: of {found['samples']:,} samples for each label and seed, "
        "and of the test images."
    )
    return scores, digits, explanation


def main() -> None:
    """Measure all, and draw."""
    from zoo import plots
    from zoo.compression.fingerprint import describe_machine
    from zoo.files import write_figure, write_json

    with tempfile.TemporaryDirectory() as folder:
        found, model = measure(Path(folder))
    write_json(FOUND, {"machine": describe_machine(), **found})
    write_figure(PICTURE, plots.plot_samples(model))


if __name__ == "__main__":
    # Import the zoo from this checkout, not an installed one.
    sys.path.insert(0, str(ROOT))
    main()
