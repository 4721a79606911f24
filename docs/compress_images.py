"""Measures lossless compression by trained models and by common formats: ``python docs/compress_images.py``.

Writes docs/compression.json. It needs the full MNIST and CIFAR-10, and ``pip install "autoencoder-zoo[compression]"``.
Then ``python docs/tables.py`` makes the tables.
"""

import gzip
import io
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOUND = ROOT / "docs" / "compression.json"
CASES = (("small_cnn/mnist-binary", 1000), ("small_cnn/mnist", 1000), ("vq_cnn/cifar10", 100))


def measure(preset: str, count: int) -> dict[str, Any]:
    """Return what the first test images take, by the trained model of a preset and by common formats."""
    import numpy as np

    import zoo

    model = zoo.create_model(preset, weights="default")
    images = zoo.load_dataset(model.provenance["trained_on"]).test.images[:count]
    binarize = model.binarization != "none"
    with tempfile.TemporaryDirectory() as folder:
        made = zoo.compress(model, images, Path(folder, "images"), binarize=binarize)
        start = time.perf_counter()
        restored = zoo.decompress(made.path, model)
        seconds = time.perf_counter() - start
    if not binarize and not np.array_equal(restored, images):
        raise SystemExit(f"{preset}: the images did not come back")
    scores = zoo.evaluate(model, (restored / np.float32(255)) if binarize else images)
    return {
        "preset": preset,
        "likelihood": model.likelihood.identifier,
        "images": count,
        "dataset": model.provenance["trained_on"],
        "bits_per_dim": made.bits_per_dim,
        "computed_bits_per_dim": made.computed_bits_per_dim,
        "evaluated_bits_per_dim": scores["negative_elbo"] / (made.values * math.log(2)),
        "whole_file_bits_per_dim": 8 * made.size / (made.images * made.values),
        "initial_bits": made.initial_bits,
        "seconds_per_image": {"compress": made.seconds / count, "decompress": seconds / count},
        "others": {name: weigh(restored, size) for name, size in FORMATS.items()},
    }


def weigh(images: Any, size: Callable[[Any], int]) -> dict[str, float]:
    """Return the bits per dimension of images in a format, a file for each and all in one."""
    each = sum(size([image]) for image in images)
    return {"each": 8 * each / images.size, "together": 8 * size(images) / images.size}


def tile(images: Any) -> Any:
    """Return images in a nearly square grid, ``(height, width, channels)``; what is left over stays black."""
    import numpy as np

    images = np.asarray(images)
    count, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    grid = np.zeros((rows * columns, height, width, channels), np.uint8)
    grid[:count] = images
    whole = grid.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return whole.reshape(rows * height, columns * width, channels)


def is_binary(images: Any) -> bool:
    """Return whether images have no other values than 0 and 255."""
    import numpy as np

    return bool(np.isin(images, (0, 255)).all())


def size_of_png(images: Any) -> int:
    """Return the bytes of a PNG: black and white with one bit for each pixel."""
    picture = as_picture(images)
    return write(picture.convert("1") if is_binary(images) else picture, "PNG", optimize=True)


def size_of_webp(images: Any) -> int:
    """Return the bytes of a lossless WebP."""
    return write(as_picture(images).convert("RGB"), "WEBP", lossless=True, quality=100, method=6)


def size_of_gzip(images: Any) -> int:
    """Return the bytes of gzip: of bits for images of black and white, of bytes for others."""
    import numpy as np

    array = np.asarray(images)
    content = np.packbits(array > 0) if is_binary(array) else array
    return len(gzip.compress(content.tobytes(), 9, mtime=0))


def as_picture(images: Any) -> Any:
    """Return a grid of images as Pillow's."""
    from PIL import Image

    whole = tile(images)
    return Image.fromarray(whole[..., 0] if whole.shape[-1] == 1 else whole)


def write(picture: Any, kind: str, **options: Any) -> int:
    """Return the bytes of a picture in a format."""
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return len(content.getvalue())


FORMATS = {"webp": size_of_webp, "png": size_of_png, "gzip": size_of_gzip}
HOW = ("each", "together")


def make_rows() -> tuple[list[list[list[str]]], str]:
    """Return the rows of both tables, their headers first, and an explanation, from docs/compression.json."""
    found = json.loads(FOUND.read_text(encoding="utf-8"))
    proof = [["model", "images", "measured", "computed", "difference", "`zoo evaluate`", "compress", "decompress"]]
    titles = [f"{name}, {how}" for name in ("WebP", "PNG", "gzip") for how in HOW]
    beside = [["images", "the model", "its whole file", *titles]]
    for row in found["rows"]:
        difference = row["bits_per_dim"] / row["computed_bits_per_dim"] - 1
        keys = ("bits_per_dim", "computed_bits_per_dim")
        times = [f"{1000 * seconds:,.1f} ms" for seconds in row["seconds_per_image"].values()]
        binary = ", binary" if row["likelihood"] == "bernoulli" else ""
        images = f"{row['images']:,} of {row['dataset']}{binary}"
        proof.append([f"`{row['preset']}`", images, *(f"{row[key]:.4f}" for key in keys), f"{difference:+.3%}",
                      f"{row['evaluated_bits_per_dim']:.4f}", *times])  # fmt: skip
        others = [f"{row['others'][name][how]:.3f}" for name in FORMATS for how in HOW]
        beside.append([images, f"{row['bits_per_dim']:.3f}", f"{row['whole_file_bits_per_dim']:.3f}", *others])
    machine = found["machine"]
    return [proof, beside], (
        f"Bits per dimension, of the first test images, and time for each image; zoo {machine['zoo']}, "
        f"{machine['backend']} {machine[machine['backend']]}, {machine['processors']} processors."
    )


def main() -> None:
    """Measure every case."""
    from zoo.compression.fingerprint import describe_machine
    from zoo.files import write_json

    write_json(FOUND, {"machine": describe_machine(), "rows": [measure(*case) for case in CASES]})


if __name__ == "__main__":
    # Import the zoo from this checkout, not an installed one.
    sys.path.insert(0, str(ROOT))
    main()
