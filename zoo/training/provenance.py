"""The provenance of a run: environment, plugin and data."""

from __future__ import annotations

import datetime
import os
import platform

import keras

from zoo.data.dataset import Dataset
from zoo.environment import package_versions
from zoo.registry.presets import Preset
from zoo.runs.record import Environment, PluginOrigin, Provenance, SplitFacts
from zoo.training.plugin_sources import digest_sources
from zoo.version import __version__


def describe_environment() -> Environment:
    """Return the versions, backend, machine and number of threads."""
    return Environment(
        zoo=__version__,
        python=platform.python_version(),
        backend=keras.backend.backend(),
        packages=package_versions(),
        platform=platform.platform(),
        threads=count_threads(),
    )


def describe_provenance(plan: Preset, dataset: Dataset, deterministic: bool) -> Provenance:
    """Return the provenance of a new run: the environment, and the origin of the architecture and the images."""
    plugin = plan.architecture.plugin
    return Provenance(
        **vars(describe_environment()),
        started=now(),
        plugin=None if plugin is None else PluginOrigin(plugin.name, plugin.distribution, plugin.version),
        dataset={
            split.part: SplitFacts(len(split), split.sha256)
            for split in (dataset.train, dataset.validation, dataset.test)
        },
        deterministic=deterministic,
        plugin_sources=digest_sources(plan.architecture, plan.recipe.likelihood),
    )


def now() -> str:
    """Return the current time in UTC, in ISO 8601 format."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def count_threads() -> int:
    """Return the number of threads an operation in this process may use; results depend on it in the last digits."""
    asked = os.environ.get("TF_NUM_INTRAOP_THREADS", "")  # A benchmark sets it for its processes.
    if keras.backend.backend() == "tensorflow" and asked.isdigit() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
