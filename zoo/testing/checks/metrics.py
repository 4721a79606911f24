"""Checks of a score that a plugin adds."""

from __future__ import annotations

import warnings

from zoo.testing.metric_subject import MetricSubject
from zoo.testing.rule import check, require

MEND = "return one finite number for each image, or, with of='model', one number"


@check("metric")
def check_metric_has_a_definition(subject: MetricSubject) -> None:
    """Title and definition are one line each, as tables show them."""
    for field in ("title", "definition"):
        text = getattr(subject.metric, field)
        require(
            bool(text.strip()) and "\n" not in text and len(text) <= 100,
            f"{field} is {text!r}: expected one line of 1 to 100 characters in Metric({field}=...)",
        )


@check("metric")
def check_metric_returns_numbers(subject: MetricSubject) -> None:
    """It returns a finite number for each image, or one for a model, whether reconstructions are exact or not."""
    for same in (False, True):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = subject.score(same=same)
        reasons = [str(warning.message) for warning in caught if "is left out" in str(warning.message)]
        what = "exact reconstructions" if same else "reconstructions"
        require(value is not None, f"for {what}: {'; '.join(reasons)}: {MEND}")


@check("metric")
def check_metric_repeats(subject: MetricSubject) -> None:
    """It returns the same numbers the second time."""
    first, second = subject.score(), subject.score()
    require(first == second, f"it returned {first} and then {second} for the same images: draw with a fixed seed")
