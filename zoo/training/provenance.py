"""What a run was made with."""

from __future__ import annotations

import datetime
import os
import platform
from typing import Any

import keras

from zoo.data.dataset import Dataset
from zoo.environment import package_versions
from zoo.registry.specs import Architecture
from zoo.version import __version__


def describe_environment() -> dict[str, Any]:
    """Return versions, backend, machine and threads."""
    return {
        "zoo": __version__,
        "python": platform.python_version(),
        "backend": keras.backend.backend(),
        "packages": package_versions(),
        "platform": platform.platform(),
        "threads": count_threads(),
    }


def describe_origin(architecture: Architecture, dataset: Dataset) -> dict[str, Any]:
    """Return when it is, and where the architecture and the images are from."""
    plugin = architecture.plugin
    return {
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "plugin": None
        if plugin is None
        else {"name": plugin.name, "distribution": plugin.distribution, "version": plugin.version},
        "dataset": {
            split.part: {"images": len(split), "sha256": split.sha256}
            for split in (dataset.train, dataset.validation, dataset.test)
        },
    }


def count_threads() -> int:
    """Return how many threads an operation of this process may use: another number of them changes the last digits."""
    asked = os.environ.get("TF_NUM_INTRAOP_THREADS", "")  # As a benchmark's processes are told.
    if keras.backend.backend() == "tensorflow" and asked.isdigit() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
