"""Measures the architectures with their defaults for images of several sizes: ``python docs/sizes.py``.

Writes docs/sizes.json: the numbers of parameters and of operations, and the training speed on this machine. Then
``python docs/tables.py`` makes the table.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SIZES_FILE = ROOT / "docs" / "sizes.json"
SIDES = (32, 64, 128, 256)
BATCH, STEPS = 16, 7


def measure(name: str, side: int) -> dict[str, Any]:
    """Return the latent's shape and the cost of an architecture for colour images of ``side`` x ``side`` pixels."""
    import numpy as np

    import zoo
    from zoo.evaluation.cost.flops import count_flops
    from zoo.factory.assemble import parameter_count

    model = zoo.create_model(name, image_shape=(side, side, 3), seed=0)
    counts = [count_flops(part) for part in (model.encoder, model.decoder)]
    images = np.random.default_rng(0).integers(0, 256, (BATCH, side, side, 3), np.uint8)
    model.train_on_batch(images)
    seconds = []
    for _ in range(STEPS):
        start = time.perf_counter()
        model.train_on_batch(images)
        seconds.append(time.perf_counter() - start)
    return {
        "architecture": name,
        "side": side,
        "latent_shape": list(model.latent_shape),
        "parameters": parameter_count(model),
        "flops": None if None in counts else sum(count or 0 for count in counts),
        "images_per_second": BATCH / statistics.median(seconds),
    }


def make_rows() -> tuple[list[list[str]], str]:
    """Return the rows of the table, the header first, and its explanation, from docs/sizes.json."""
    found = json.loads(SIZES_FILE.read_text(encoding="utf-8"))
    rows = [["architecture", "images", "latents", "parameters", "MFLOPs", "training images/s"]]
    for row in found["rows"]:
        latents = " x ".join(map(str, row["latent_shape"]))
        flops = "-" if row["flops"] is None else f"{row['flops'] / 1e6:,.0f}"
        size = f"{row['side']} x {row['side']} x 3"
        rows.append(
            [
                f"`{row['architecture']}`",
                size,
                latents,
                f"{row['parameters']:,}",
                flops,
                f"{row['images_per_second']:,.0f}",
            ]
        )
    return rows, (
        f"Encoder and decoder; MFLOPs for one image forward (a multiply-add is two); training steps of "
        f"{found['batch']} images on {found['cores']} cores, the median of {found['steps']}."
    )


def main() -> None:
    """Measure every architecture of the zoo's own."""
    import zoo
    from zoo.files import write_json

    names = ("small_cnn", "deep_cnn", "residual", "vq_cnn")
    rows = [measure(name, side) for name in names for side in SIDES]
    write_json(
        SIZES_FILE, {"zoo": zoo.__version__, "batch": BATCH, "steps": STEPS, "cores": os.cpu_count(), "rows": rows}
    )


if __name__ == "__main__":
    # Import the zoo from this checkout, not an installed one.
    sys.path.insert(0, str(ROOT))
    main()
