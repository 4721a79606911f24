"""Make the embedded samples from the official files: ``python -m zoo.data.samples.make FOLDER``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.data import cifar10, mnist
from zoo.data.dataset import Split, hash_arrays
from zoo.data.samples import CIFAR10, MNIST, Sample, load_sample


def pick_first(split: Split, per_class: int, classes: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Pick the first images of each class, in the split's order.

    Args:
        split: the split to pick from.
        per_class: the number of images per class.
        classes: the number of classes.

    Returns:
        Images ``(classes * per_class, H, W, C)`` and their labels.

    Raises:
        ValueError: a class has fewer images.
    """
    places = [np.flatnonzero(split.labels == label)[:per_class] for label in range(classes)]
    if any(len(found) < per_class for found in places):
        raise ValueError(f"{split!r} has fewer than {per_class} images of a class")
    chosen = np.sort(np.concatenate(places))
    return split.images[chosen], split.labels[chosen].astype(np.uint8)


def write_sample(sample: Sample, train: Split, test: Split, folder: Path) -> str:
    """Write a sample's two files.

    Args:
        sample: how it is stored.
        train: the beginning of the official training set; only its first images are needed.
        test: the official test set.
        folder: where the files are written.

    Returns:
        The SHA-256 that ``sample.sha256`` must equal.
    """
    from PIL import Image

    classes = len(sample.classes)
    train_images, train_labels = pick_first(train, sample.train // classes, classes)
    test_images, test_labels = pick_first(test, sample.test // classes, classes)
    images = np.concatenate([train_images, test_images])
    height, width, channels = sample.image_shape
    tiles = images.reshape(-1, sample.columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    mosaic = tiles.reshape(-1, sample.columns * width, channels)
    picture = Image.fromarray(np.broadcast_to(mosaic, (*mosaic.shape[:2], 3)).copy())
    picture.save(folder / f"{sample.file}.webp", lossless=True, quality=100, method=6)
    rows = np.concatenate([train_labels, test_labels]).reshape(-1, sample.columns)
    text = "".join("".join(map(str, row)) + "\n" for row in rows.tolist())
    (folder / f"{sample.file}.txt").write_bytes(text.encode("ascii"))
    return hash_arrays(train_images, train_labels, test_images, test_labels)


def main() -> None:
    """Write the samples next to this file and read them back."""
    parser = argparse.ArgumentParser(prog="python -m zoo.data.samples.make", description=__doc__)
    parser.add_argument("folder", help="the folder that has the official files of MNIST and CIFAR-10")
    folder, here = parser.parse_args().folder, Path(__file__).parent
    for sample, load in ((MNIST, mnist.load), (CIFAR10, cifar10.load)):
        dataset = load(folder)
        digest = write_sample(sample, dataset.train, dataset.test, here)
        size = sum((here / f"{sample.file}.{suffix}").stat().st_size for suffix in ("webp", "txt"))
        print(f"{sample.name}: {size} bytes, SHA-256 of the arrays {digest}")
        load_sample(sample)


if __name__ == "__main__":
    main()
