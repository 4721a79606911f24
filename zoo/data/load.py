"""Loading a dataset by name, whichever plugin provides it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from zoo.data.dataset import Dataset, check_limit
from zoo.errors import DatasetError, ZooError, one_line
from zoo.registry import catalogue
from zoo.registry.isolation.calls import called
from zoo.registry.references import resolve_reference
from zoo.registry.specs import FOLDER
from zoo.shown import show


def load_dataset(name: str, *, data_dir: str | os.PathLike[str] | None = None, limit: int | None = None) -> Dataset:
    """Load a dataset by its name.

    Args:
        name: a name from ``zoo.list_datasets()``, such as ``"mnist_sample"``.
        data_dir: the folder that has the dataset's files; None leaves it to the dataset: the official ones use
            ``$ZOO_DATA`` or, if that is not set, Keras' cache or download.
        limit: keep at most this many images of each split, the first ones; None keeps all.

    Returns:
        Its train, validation and test splits: images uint8 ``(N, H, W, C)``, labels ``(N,)``.

    Raises:
        UnknownNameError: no plugin provides the name.
        DatasetError: the data is missing or damaged, or the plugin's ``load`` raises or returns anything other than a
            ``Dataset`` of its image shape.
        ValueError: ``limit`` is not a positive int.

    Example:
        ```python
        dataset = zoo.load_dataset("mnist_sample", limit=1000)
        dataset.train.images.shape     # (1000, 28, 28, 1)
        ```
    """
    if limit is not None:
        limit = check_limit(limit)
    spec = catalogue.dataset(name)
    what = f"dataset {name} of the plugin {spec.plugin.name}" if spec.plugin else f"dataset {name}"
    try:
        load = resolve_reference(spec.load)
        with called(f"the load of {what}"):
            dataset = load(data_dir)
    except (ZooError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise DatasetError(f"{what}: its load raised {type(error).__name__}: {one_line(error)}") from error
    if not isinstance(dataset, Dataset):
        raise DatasetError(f"{what}: its load returned a {type(dataset).__name__}, expected a zoo.data.Dataset")
    if dataset.image_shape != spec.image_shape:
        raise DatasetError(f"{what}: its images have shape {dataset.image_shape}, expected {spec.image_shape}")
    return dataset if limit is None else dataset.limit(limit)


def load_recorded_dataset(name: str, *, data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a dataset that a run folder names, which may come from elsewhere.

    A file does not choose which folder is read: one of images is read only where the user says so.

    Args:
        name: the name of a registered dataset; or ``folder:PATH``, if the folder is ``data_dir`` or within it.
        data_dir: the folder that has the dataset's files.

    Raises:
        DatasetError: as ``load_dataset``; or the folder is not within ``data_dir``.
    """
    if name.startswith(FOLDER):
        given = name.removeprefix(FOLDER)
        folder = re.sub(r"@\d+x\d+x\d+$", "", given)
        if data_dir is None or not _is_within(folder, os.fspath(data_dir)):
            raise DatasetError(
                f"{show(name, most=200)} is not read because a file says so: pass this folder, if it is yours, as the "
                "folder of the data (data_dir=, --data-dir)"
            )
    return load_dataset(name, data_dir=data_dir)


def _is_within(folder: str, other: str) -> bool:
    try:
        inner, outer = (Path(os.path.realpath(os.path.expanduser(each))) for each in (folder, other))
    except (OSError, ValueError):  # No name of a file.
        return False
    return inner.is_relative_to(outer)
