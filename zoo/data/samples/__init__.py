"""Real images inside the package, so that everything runs offline; ``README.md`` has their terms of use."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import numpy as np
import numpy.typing as npt

from zoo.data import CIFAR10_CLASSES, MNIST_CLASSES
from zoo.data.dataset import Dataset, Split, hash_arrays
from zoo.data.sources import DataDir
from zoo.errors import DatasetError


@dataclass(frozen=True)
class Sample:
    """How a sample is stored: ``<file>.webp``, a mosaic of images, and ``<file>.txt``, their labels as digits.

    Each line of labels is a row of the mosaic: all of train (the last tenth of each class is for validation), then all
    of test.

    Args:
        name: the dataset's name in the zoo.
        file: the name of the two files, without suffix.
        classes: the class names, ten at most.
        image_shape: ``(height, width, channels)``.
        columns: the number of images in a row of the mosaic.
        train: the number of images from the official training set.
        test: the number of images from the official test set.
        sha256: ``hash_arrays`` of train images, train labels, test images, test labels.
    """

    name: str
    file: str
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    columns: int
    train: int
    test: int
    sha256: str


MNIST = Sample(
    name="mnist_sample",
    file="mnist",
    classes=MNIST_CLASSES,
    image_shape=(28, 28, 1),
    columns=100,
    train=5_000,
    test=1_000,
    sha256="077dbaff3d4c5a0726b060681b9e50f48714be31fc6707440c2d2259db6ecc03",
)
CIFAR10 = Sample(
    name="cifar10_sample",
    file="cifar10",
    classes=CIFAR10_CLASSES,
    image_shape=(32, 32, 3),
    columns=50,
    train=2_000,
    test=500,
    sha256="416f959fcea79c86747e9479c78b5f1b12958e58ef83a416693ed0461dcda59b",
)


def load_mnist(data_dir: DataDir = None) -> Dataset:
    """Load the sample of MNIST: 4,500 train, 500 validation, 1,000 test.

    Args:
        data_dir: not used; the images are inside the package.

    Returns:
        Images uint8 ``(N, 28, 28, 1)``, labels uint8 0..9; all classes are equally frequent in each split.

    Raises:
        DatasetError: the package's files are missing or damaged, or Pillow cannot read WebP.
    """
    return load_sample(MNIST)


def load_cifar10(data_dir: DataDir = None) -> Dataset:
    """Load the sample of CIFAR-10: 1,800 train, 200 validation, 500 test.

    Args:
        data_dir: not used; the images are inside the package.

    Returns:
        Images uint8 ``(N, 32, 32, 3)``, labels uint8 0..9; all classes are equally frequent in each split.

    Raises:
        DatasetError: the package's files are missing or damaged, or Pillow cannot read WebP.
    """
    return load_sample(CIFAR10)


def load_sample(sample: Sample) -> Dataset:
    """Decode, verify and split a sample; raise ``DatasetError`` if it is missing or damaged."""
    try:
        images, labels = _read_mosaic(sample), _read_labels(sample)
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{sample.name}: cannot read the embedded {sample.file}.webp and {sample.file}.txt ({error}); "
            "reinstall autoencoder-zoo, and install a Pillow that reads WebP"
        ) from error
    train = sample.train
    got = hash_arrays(images[:train], labels[:train], images[train:], labels[train:])
    if got != sample.sha256:
        raise DatasetError(
            f"{sample.name}: the SHA-256 of the embedded images and labels is {got}, "
            f"expected {sample.sha256}; reinstall autoencoder-zoo"
        )
    held_out = np.zeros(train, bool)
    for label in np.unique(labels[:train]):
        members = np.flatnonzero(labels[:train] == label)
        held_out[members[len(members) - len(members) // 10 :]] = True
    parts = [(images[:train][chosen], labels[:train][chosen]) for chosen in (~held_out, held_out)]
    return Dataset(
        sample.name,
        Split(*parts[0], sample.name, "train"),
        Split(*parts[1], sample.name, "validation"),
        Split(images[train:], labels[train:], sample.name, "test"),
        sample.classes,
        sample.image_shape,
    )


def _read_mosaic(sample: Sample) -> npt.NDArray[np.uint8]:
    from PIL import Image

    height, width, channels = sample.image_shape
    with (
        resources.files(__name__).joinpath(f"{sample.file}.webp").open("rb") as file,
        Image.open(file) as image,
    ):
        # WebP has no grey mode: a grey mosaic has three equal channels.
        mosaic = np.asarray(image.convert("RGB"))[..., :channels]
    tiles = mosaic.reshape(-1, height, sample.columns, width, channels).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(tiles).reshape(-1, height, width, channels)


def _read_labels(sample: Sample) -> npt.NDArray[np.uint8]:
    text = resources.files(__name__).joinpath(f"{sample.file}.txt").read_text(encoding="ascii")
    return np.array([int(digit) for digit in "".join(text.split())], np.uint8)
