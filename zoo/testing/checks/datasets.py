"""Checks of a dataset that a plugin provides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.testing.dataset_subject import DatasetSubject
from zoo.testing.rule import CheckFailure, check, require

if TYPE_CHECKING:
    pass

PARTS = ("train", "validation", "test")


@check("dataset")
def check_dataset_summary_is_one_line(subject: DatasetSubject) -> None:
    """The summary is one line of text of at most 100 characters, as tables show it."""
    summary = subject.spec.summary
    require(
        bool(summary.strip()) and "\n" not in summary and len(summary) <= 100,
        f"summary is {summary!r}: expected one line of 1 to 100 characters in DatasetSpec(summary=...)",
    )


@check("dataset")
def check_dataset_recipe(subject: DatasetSubject) -> None:
    """The recipe can train a model: its likelihood and its optimizer exist."""
    from zoo.factory.create import create_model

    try:
        create_model(f"small_cnn/{subject.name}")
    except Exception as error:
        raise CheckFailure(f"small_cnn/{subject.name} cannot be built: {error}: fix DatasetSpec(recipe=...)") from error


@check("dataset")
def check_dataset_loads(subject: DatasetSubject) -> None:
    """The loaded dataset has the declared name and classes."""
    for field in ("name", "classes"):
        got, declared = getattr(subject.data, field), getattr(subject.spec, field)
        require(
            got == declared,
            f"load returns a Dataset whose {field} is {got!r}, but {declared!r} is declared: make the values in "
            "Dataset and DatasetSpec equal",
        )


@check("dataset")
def check_dataset_has_grey_levels(subject: DatasetSubject) -> None:
    """Images use the range 0..255, so they are not values in [0, 1] cast to bytes."""
    images = subject.data.train.images
    top = int(images.max())
    require(
        top > 1,
        f"the training images range from {images.min()} to {top}: expected uint8 in 0..255: multiply by 255 "
        "before the cast",
    )


@check("dataset")
def check_dataset_repeats(subject: DatasetSubject) -> None:
    """Loading the dataset twice returns the same images in the same order."""
    from zoo.data.load import load_dataset

    again = load_dataset(subject.name)
    changed = [part for part in PARTS if getattr(again, part).sha256 != getattr(subject.data, part).sha256]
    require(
        not changed,
        f"{', '.join(changed)} differs between two loads: shuffle and split with a fixed seed, and sort folder "
        "listings",
    )


@check("dataset")
def check_dataset_splits_share_no_image(subject: DatasetSubject) -> None:
    """No image of the test or validation split is among the training images."""
    train = {image.tobytes() for image in subject.data.train.images}
    for part in ("validation", "test"):
        images = getattr(subject.data, part).images
        shared = sum(image.tobytes() in train for image in images)
        require(
            # Real datasets have a few duplicates; without a real split, all images are shared.
            shared <= 0.01 * len(images),
            f"{shared} of {len(images)} {part} images are training images too: cut the splits so that each image is in "
            "only one",
        )
