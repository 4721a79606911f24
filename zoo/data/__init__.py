"""The zoo's own datasets, as a plugin; ``Dataset`` and ``Split`` are imported on first use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zoo.registry.hookspecs import hookimpl
from zoo.registry.specs import DatasetSpec

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset, Split

__all__ = ["CIFAR10_CLASSES", "MNIST_CLASSES", "Dataset", "Split", "zoo_datasets"]

MNIST_CLASSES = tuple("0123456789")
CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


@hookimpl
def zoo_datasets() -> Iterator[DatasetSpec]:
    """Return MNIST and CIFAR-10, in full and as embedded samples; ``registry.yaml`` has their recipes."""
    yield DatasetSpec(
        name="mnist",
        summary="Handwritten digits: 50,000 train, 10,000 validation, 10,000 test",
        image_shape=(28, 28, 1),
        classes=MNIST_CLASSES,
        load="zoo.data.mnist:load",
    )
    yield DatasetSpec(
        name="cifar10",
        summary="Small colour photographs: 45,000 train, 5,000 validation, 10,000 test",
        image_shape=(32, 32, 3),
        classes=CIFAR10_CLASSES,
        load="zoo.data.cifar10:load",
    )
    yield DatasetSpec(
        name="mnist_sample",
        summary="The part of MNIST inside the package: 4,500 train, 500 validation, 1,000 test",
        image_shape=(28, 28, 1),
        classes=MNIST_CLASSES,
        load="zoo.data.samples:load_mnist",
    )
    yield DatasetSpec(
        name="cifar10_sample",
        summary="The part of CIFAR-10 inside the package: 1,800 train, 200 validation, 500 test",
        image_shape=(32, 32, 3),
        classes=CIFAR10_CLASSES,
        load="zoo.data.samples:load_cifar10",
    )


# No __dir__ here: pluggy looks up every name in dir(), which would import NumPy.
def __getattr__(name: str) -> Any:
    if name in ("Dataset", "Split"):
        from zoo.data import dataset

        return getattr(dataset, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
