"""Measures codes that are learned and codes that are rounded: ``python docs/compare_codes.py``, half an hour.

Trains ``vq_cnn`` and ``fsq_cnn`` on the full MNIST, fits the prior over codes to each, and writes docs/codes.json and
the picture docs/codes.png. Then ``python docs/tables.py`` makes the table.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOUND, PICTURE = ROOT / "docs" / "codes.json", ROOT / "docs" / "codes.png"
PRESETS, EPOCHS, PRIOR_EPOCHS, COUNT, SEED = ("vq_cnn/mnist", "fsq_cnn/mnist"), 5, 10, 2000, 0


def measure(preset: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the scores of a model with its own prior and with that of codes, and some samples of each."""
    import zoo

    data = zoo.load_dataset("mnist")
    model = zoo.create_model(preset, seed=SEED)
    model.fit(data.train, epochs=EPOCHS, verbose=2)
    scores = zoo.evaluate(model, data.test)
    samplers = {
        "prior": zoo.samplers.fit(model, data.train, "prior"),
        "code_prior": zoo.samplers.fit(model, data.train, "code_prior", epochs=PRIOR_EPOCHS, progress=True),
    }
    drawn = {name: sampler.sample(COUNT, seed=SEED) for name, sampler in samplers.items()}
    prior = samplers["code_prior"]
    assert isinstance(prior, zoo.samplers.CodePrior)
    kept = ("negative_elbo", "reconstruction", "mse", "code_perplexity", "dead_codes", "bits_per_dim")
    found = {
        "preset": preset,
        "codes": model.quantizer.codes,
        "scores": {name: scores[name] for name in kept},
        "code_prior": prior.score(data.test),
        "samples": {name: zoo.sample_scores(images, data.test.limit(COUNT)) for name, images in drawn.items()},
    }
    return found, {f"{preset}, {name}": images[:16] for name, images in drawn.items()}


def make_rows() -> tuple[list[list[str]], list[list[str]], str]:
    """Return the rows of both tables, headers first, and an explanation, from docs/codes.json."""
    from compare_samplers import SCORES, show

    found = json.loads(FOUND.read_text(encoding="utf-8"))
    costs = [["model", "prior", "reconstruction, nats", "codes, bits/image", "bits per dimension"]]
    costs[0] += ["mean squared error", "dead codes", "perplexity"]
    samples = [["model", "samples by", "precision", "recall", "Frechet distance"]]
    for row in found["rows"]:
        learned, scores = row["code_prior"], row["scores"]
        about = [
            f"{scores['mse']:.5f}",
            f"{scores['dead_codes']} of {row['codes']}",
            f"{scores['code_perplexity']:.0f}",
        ]
        for name, bits, rate in (
            ("uniform", scores["bits_per_dim"], learned["uniform_rate_bits"]),
            ("learned", learned["bits_per_dim"], learned["code_rate_bits"]),
        ):
            cells = [f"{learned['reconstruction']:.1f}", f"{rate:.1f}", f"{bits:.4f}"]
            costs.append([f"`{row['preset']}`", name, *cells, *about])
        for name, values in row["samples"].items():
            cells = [show(values[score], digits) for score, digits in SCORES.items()]
            samples.append([f"`{row['preset']}`", f"`{name}`", *cells])
    explanation = (
        f"{found['epochs']} epochs of MNIST, {found['prior_epochs']} of the prior over codes, one training each; "
        f"10,000 test images, and {COUNT:,} samples against as many of these."
    )
    return costs, samples, explanation


def main() -> None:
    """Measure both, and draw."""
    from compare_samplers import draw

    from zoo.compression.fingerprint import describe_machine
    from zoo.files import write_json

    rows, pictures = [], {}
    for preset in PRESETS:
        found, drawn = measure(preset)
        rows.append(found)
        pictures |= drawn
    machine = describe_machine()
    write_json(FOUND, {"machine": machine, "epochs": EPOCHS, "prior_epochs": PRIOR_EPOCHS, "rows": rows})
    draw(pictures, PICTURE)


if __name__ == "__main__":
    # Import the zoo from this checkout, not an installed one.
    sys.path.insert(0, str(ROOT))
    main()
