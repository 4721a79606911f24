"""The list of all checks."""

from __future__ import annotations

from zoo.testing.checks import (
    building,
    datasets,
    declaration,
    decoding,
    exporting,
    hierarchy,
    isolation,
    labels,
    likelihood_models,
    likelihoods,
    metrics,
    posterior,
    saving,
    scoring,
    training,
)
from zoo.testing.rule import Check, registered_checks

# The order in which the checks run. Importing the modules registers the checks.
_ORDER = [
    module.__name__
    for module in (
        declaration,
        building,
        posterior,
        decoding,
        training,
        scoring,
        hierarchy,
        labels,
        isolation,
        saving,
        exporting,
        datasets,
        likelihoods,
        likelihood_models,
        metrics,
    )
]


def list_checks(kind: str = "architecture", *, fast: bool = False) -> list[Check]:
    """Return the checks of a kind, in the order in which they run.

    Args:
        kind: ``architecture``, ``dataset``, ``likelihood`` or ``metric``.
        fast: leave out the slow checks.
    """
    found = [item for item in registered_checks() if item.kind == kind and not (fast and item.slow)]
    return sorted(found, key=lambda item: _ORDER.index(item.function.__module__))
