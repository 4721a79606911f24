"""What can be checked: architectures, datasets, likelihoods and metrics."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from zoo.errors import UnknownNameError
from zoo.registry import catalogue

if TYPE_CHECKING:
    from zoo.testing.preparation import Prepares

KINDS = ("architecture", "dataset", "likelihood", "metric")


def kind_of(name: str) -> str:
    """Return the kind of what a name stands for.

    Raises:
        UnknownNameError: nothing has the name; the message suggests similar ones of every kind.
    """
    listed: dict[str, Any] = {
        "dataset": catalogue.list_datasets(),
        "likelihood": catalogue.list_likelihoods(),
        "metric": catalogue.metrics(),
    }
    if name in catalogue.list_models():
        return "architecture"
    found = next((kind for kind, names in listed.items() if name in names), None)
    if found is not None:
        return found
    try:
        catalogue.architecture(name)
    except UnknownNameError as error:
        near = {kind: difflib.get_close_matches(name, names, n=3, cutoff=0.5) for kind, names in listed.items()}
        hints = [f"similar {kind}s: {' or '.join(map(repr, names))}" for kind, names in near.items() if names]
        raise UnknownNameError("; ".join([str(error), *hints, "datasets: zoo datasets"])) from None
    return "architecture"


def make_subject(
    name: str, kind: str, plugin: str | None = None, image_shape: tuple[int, ...] | None = None
) -> Prepares:
    """Return what checks of a kind take.

    Args:
        name: the name of an architecture, a dataset, a likelihood or a metric, which may come from ``plugin``.
        kind: one of ``KINDS``.
        plugin: a file or a module to load first.
        image_shape: for an architecture, the only shape of images to check it with.

    Raises:
        UnknownNameError: no such name.
        PluginLoadError: the plugin cannot be loaded.
        ValueError: no such kind, or a shape that the architecture does not take.
    """
    from zoo.testing.dataset_subject import DatasetSubject
    from zoo.testing.likelihood_subject import LikelihoodSubject
    from zoo.testing.metric_subject import MetricSubject
    from zoo.testing.subject import Subject

    if kind == "architecture":
        return Subject(name, plugin, image_shape)
    kinds: dict[str, Any] = {"dataset": DatasetSubject, "likelihood": LikelihoodSubject, "metric": MetricSubject}
    if kind not in kinds:
        raise ValueError(f"kind is {kind!r}: expected one of {', '.join(KINDS)}")
    made: Prepares = kinds[kind](name, plugin)
    return made
