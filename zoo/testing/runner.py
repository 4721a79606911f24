"""Running checks, and reporting the results and the cost of the architecture."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from zoo.notebooks import show_table, show_title
from zoo.testing.catalogue import list_checks
from zoo.testing.kinds import make_subject
from zoo.testing.rule import Check, CheckFailure, CheckSkipped, shorten

LONGEST_TRACE = 3  # Frames shown for an unexpected error.


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    Args:
        name: the check's name.
        status: ``passed``, ``failed`` or ``skipped``.
        seconds: how long the check took, without what it shares with others: see the report's facts.
        message: why it failed or was skipped, and how to fix it.
        rule: the rule that was checked.
    """

    name: str
    status: str
    seconds: float
    message: str | None
    rule: str


@dataclass(repr=False)
class Report:
    """The results of all checks of an architecture or a dataset.

    Args:
        name: what was checked.
        results: one for each check.
        facts: ``preparation_seconds`` of what the checks share; and of an architecture the ``import_seconds`` of its
            plugin, the ``image_shape`` of most checks, the ``build_seconds`` of a model for it and the
            ``train_seconds`` of a few steps, both parts of the preparation, and the ``parameters`` and ``flops`` per
            image of encoder and decoder together; null if unknown.
    """

    name: str
    results: list[CheckResult] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> list[CheckResult]:
        """The results of the checks that failed."""
        return self.select("failed")

    @property
    def seconds(self) -> float:
        """The total time of all checks and of what they share."""
        return sum(result.seconds for result in self.results) + float(self.facts.get("preparation_seconds", 0.0))

    def select(self, status: str) -> list[CheckResult]:
        """Return the results with a given status."""
        return [result for result in self.results if result.status == status]

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self._counts().items() if count)
        return f"Report({self.name}: {counts or 'no check was run'} in {self.seconds:.1f} s)"

    def _repr_html_(self) -> str:
        rows = [(it.status, it.name, it.message or "", f"{it.seconds:.1f}") for it in self.results]
        return show_title(repr(self)) + show_table(("", "check", "", "seconds"), rows, numbers_from=3)

    def _counts(self) -> dict[str, int]:
        return {status: len(self.select(status)) for status in ("passed", "failed", "skipped")}

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "name": self.name,
            "passed": not self.failed,
            "seconds": self.seconds,
            "counts": self._counts(),
            **self.facts,
            "checks": [asdict(result) for result in self.results],
        }


def check_architecture(
    name: str, *, plugin: str | None = None, fast: bool = False, image_shape: tuple[int, int, int] | None = None
) -> Report:
    """Check an architecture against every rule of the zoo.

    Args:
        name: a name from ``zoo.list_models()``.
        plugin: a file or a module to load first.
        fast: leave out the slow checks.
        image_shape: the only shape of images to check it with, ``(height, width, channels)``; by default those that
            it declares, or 28 x 28 x 1, 32 x 32 x 3 and 31 x 17 x 2.

    Returns:
        The result of each check; all have passed or been skipped.

    Raises:
        CheckFailure: some checks failed; the message lists every failure and how to fix it.
        UnknownNameError: no such name.
        PluginLoadError: the plugin cannot be loaded.
        ValueError: the architecture is not for images of that shape.
    """
    return _raise_failures(run_checks(make_subject(name, "architecture", plugin, image_shape), fast=fast))


def check_dataset(name: str, *, plugin: str | None = None) -> Report:
    """Check a dataset against every rule of the zoo; arguments and errors as in ``check_architecture``."""
    return _raise_failures(run_checks(make_subject(name, "dataset", plugin), kind="dataset"))


def check_likelihood(name: str, *, plugin: str | None = None, fast: bool = False) -> Report:
    """Check a likelihood against every rule of the zoo; arguments and errors as in ``check_architecture``."""
    return _raise_failures(run_checks(make_subject(name, "likelihood", plugin), kind="likelihood", fast=fast))


def check_metric(name: str, *, plugin: str | None = None) -> Report:
    """Check a metric against every rule of the zoo; arguments and errors as in ``check_architecture``."""
    return _raise_failures(run_checks(make_subject(name, "metric", plugin), kind="metric"))


def run_checks(
    subject: Any,
    *,
    kind: str = "architecture",
    fast: bool = False,
    tell: Callable[[str], None] = lambda name: None,
    into: Report | None = None,
) -> Report:
    """Run all checks of a kind on a subject, even after failures, but those for models with another posterior.

    Args:
        subject: what ``make_subject`` returns for the kind.
        kind: ``architecture``, ``dataset``, ``likelihood`` or ``metric``.
        fast: leave out the slow checks.
        tell: called with each check's name before it runs.
        into: a report to add results to as they come, so that they survive an interruption.
    """
    report = Report(subject.name) if into is None else into
    for item in list_checks(kind, fast=fast):
        if not _applies(item, subject):
            continue
        tell(item.name)
        report.results.append(_run(item, subject))
    if kind == "architecture":
        report.facts = _find_facts(subject)
    report.facts["preparation_seconds"] = subject.preparation_seconds
    return report


def _applies(item: Check, subject: Any) -> bool:
    try:
        takes = not item.posteriors or subject.posterior in item.posteriors
        return takes and (not item.labels_of or subject.names_labels(item.labels_of))
    except Exception:  # A class or a builder that cannot be found, which the check then reports.
        return True


def call_check(item: Check, subject: Any) -> None:
    """Run one check.

    Raises:
        CheckFailure: the rule is violated, or an unexpected error was raised.
        CheckSkipped: the check does not apply to the subject.
    """
    try:
        if item.posteriors and subject.posterior not in item.posteriors:
            raise CheckSkipped(f"the posterior is {subject.posterior}: this is for {' and '.join(item.posteriors)}")
        with _quiet():
            item.function(subject)
    except (CheckFailure, CheckSkipped, KeyboardInterrupt):
        raise
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)[-LONGEST_TRACE:]
        where = ", ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames)
        raise CheckFailure(f"raised {shorten(error)} ({where}), while checking: {item.rule}") from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress Keras' warning about what one check reports, and TensorFlow's about compiling many models."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Gradients do not exist")
            # TensorFlow triggers this one with NumPy 2, for every array that it returns.
            warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning)
            # Keep what builders print out of the results on stdout.
            with contextlib.redirect_stdout(sys.stderr):
                yield
    finally:
        logger.setLevel(level)


def _run(item: Check, subject: Any) -> CheckResult:
    status, message = "passed", None
    start, prepared = time.perf_counter(), subject.preparation_seconds
    try:
        call_check(item, subject)
    except CheckFailure as failure:
        status, message = "failed", str(failure)
    except CheckSkipped as reason:
        status, message = "skipped", str(reason)
    seconds = time.perf_counter() - start - (subject.preparation_seconds - prepared)
    return CheckResult(item.name, status, seconds, message, item.rule)


def _find_facts(subject: Any) -> dict[str, Any]:
    facts = dict.fromkeys(("import_seconds", "image_shape", "build_seconds", "train_seconds", "parameters", "flops"))
    try:
        from zoo.evaluation.cost.flops import count_flops
        from zoo.factory.assemble import parameter_count

        facts["image_shape"] = list(subject.shape)
        facts["import_seconds"] = subject.import_seconds
        model = subject.model
        facts |= {f"{part}_seconds": subject.preparations.get(f"{part}_model") for part in ("build", "train")}
        facts["parameters"] = parameter_count(model)
        parts = [count_flops(part) for part in (model.inference_network(), model.decoder)]
        facts["flops"] = None if None in parts else sum(part or 0 for part in parts)
    except Exception:  # A model that cannot be built or counted has already failed a check.
        return facts
    return facts


def _raise_failures(report: Report) -> Report:
    if report.failed:
        lines = "".join(f"\n- {result.name}: {result.message}" for result in report.failed)
        raise CheckFailure(f"{report.name}: {len(report.failed)} of {len(report.results)} checks failed:{lines}")
    return report
