"""Measures how well anomaly scores tell other images from a model's own: ``python docs/find_outliers.py [FILE]``.

Writes docs/outliers.json. It needs the full MNIST and CIFAR-10, and FILE, the test images of Fashion-MNIST as its
authors publish them, ``t10k-images-idx3-ubyte.gz``; by default where Debian's ``dataset-fashion-mnist`` puts it.
Then ``python docs/tables.py`` makes the table.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOUND = ROOT / "docs" / "outliers.json"
FASHION = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
COUNT, REFERENCE = 1000, 2000
CASES = {
    "small_cnn/mnist": ("fashion_mnist", "cifar10", "dark digits"),
    "small_cnn/mnist-binary": ("fashion_mnist",),
    "vq_cnn/cifar10": ("mnist", "fashion_mnist"),
}


def load(name: str, fashion: Path) -> Any:
    """Return test images by the name of a dataset; dark digits have a quarter of the brightness."""
    import zoo
    from zoo.data.formats.idx import read_idx

    if name == "fashion_mnist":
        return read_idx(fashion, (10_000, 28, 28))[:COUNT, ..., None]
    if name == "dark digits":
        return zoo.load_dataset("mnist").test.images[:COUNT] // 4
    return zoo.load_dataset(name).test.images[:COUNT]


def measure(preset: str, against: str, fashion: Path) -> dict[str, Any]:
    """Return the area under the ROC of every score that the trained model of a preset has."""
    import zoo
    from zoo.data.named_images import fit_images
    from zoo.evaluation.outliers import ANOMALY_SCORES, REGRET, tell_apart

    model = zoo.create_model(preset, weights="default")
    own = zoo.load_dataset(model.provenance["trained_on"])
    names = [name for name in ANOMALY_SCORES if name != REGRET or model.posterior == "gaussian"]
    inside, outside = own.test.images[:COUNT], fit_images(load(against, fashion), model.image_shape)
    start = time.perf_counter()
    scores = tell_apart(model, inside, outside, names, reference=own.train.images[:REFERENCE], progress=True)
    bounds = (zoo.anomaly_scores(model, images, "negative_elbo")["negative_elbo"] for images in (inside, outside))
    means = [float(values.mean()) for values in bounds]
    return {
        "preset": preset,
        "dataset": model.provenance["trained_on"],
        "against": against,
        "images": COUNT,
        "negative_elbo": dict(zip(("inside", "outside"), means, strict=True)),
        "scores": scores,
        "seconds": time.perf_counter() - start,
    }


def make_rows() -> list[list[str]]:
    """Return the rows of the table, the header first, from docs/outliers.json."""
    found = json.loads(FOUND.read_text(encoding="utf-8"))["rows"]
    names = list(found[0]["scores"])
    titles = [name.replace("_", " ").replace("elbo", "ELBO") for name in names]
    rows = [["model", "against", "-ELBO of its own", "of the others", *titles]]
    for row in found:
        means = [f"{row['negative_elbo'][side]:,.0f}" for side in ("inside", "outside")]
        rows.append([f"`{row['preset']}`", row["against"], *means, *(show(row["scores"].get(name)) for name in names)])
    return rows


def show(score: dict[str, float] | None) -> str:
    """Return an area with its interval; a dash if the model has no such score."""
    return "-" if score is None else f"{score['auroc']:.3f} ({score['low']:.3f} to {score['high']:.3f})"


def main(fashion: str = FASHION) -> None:
    """Measure every case."""
    from zoo.compression.fingerprint import describe_machine
    from zoo.files import write_json

    rows = [measure(preset, against, Path(fashion)) for preset, others in CASES.items() for against in others]
    write_json(FOUND, {"machine": describe_machine(), "rows": rows})


if __name__ == "__main__":
    # Import the zoo from this checkout, not an installed one.
    sys.path.insert(0, str(ROOT))
    main(*sys.argv[1:])
