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
from zoo.testing.rule import Check, CheckFailure, CheckSkipped, shorten

LONGEST_TRACE = 3  # Frames shown for an unexpected error.


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    Args:
        name: the check's name.
        status: ``passed``, ``failed`` or ``skipped``.
        seconds: how long the check took.
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
        facts: ``import_seconds`` of its plugin, ``build_seconds`` of a model for 28 x 28 x 1 images, and the
            ``parameters`` and ``flops`` per image of encoder and decoder together; null if unknown. Empty for a
            dataset.
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
        """The total time of all checks."""
        return sum(result.seconds for result in self.results)

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


def check_architecture(name: str, *, plugin: str | None = None, fast: bool = False) -> Report:
    """Check an architecture against every rule of the zoo.

    Args:
        name: a name from ``zoo.list_models()``.
        plugin: a file or a module to load first.
        fast: leave out the slow checks.

    Returns:
        The result of each check; all have passed or been skipped.

    Raises:
        CheckFailure: some checks failed; the message lists every failure and how to fix it.
        UnknownNameError: no such name.
        PluginLoadError: the plugin cannot be loaded.
    """
    from zoo.testing.subject import Subject

    return _raise_failures(run_checks(Subject(name, plugin), fast=fast))


def check_dataset(name: str, *, plugin: str | None = None) -> Report:
    """Check a dataset against every rule of the zoo; arguments and errors as in ``check_architecture``."""
    from zoo.testing.dataset_subject import DatasetSubject

    return _raise_failures(run_checks(DatasetSubject(name, plugin), kind="dataset"))


def run_checks(
    subject: Any,
    *,
    kind: str = "architecture",
    fast: bool = False,
    tell: Callable[[str], None] = lambda name: None,
    into: Report | None = None,
) -> Report:
    """Run all checks of a kind on a subject, even after failures.

    Args:
        subject: a ``Subject`` or a ``DatasetSubject``.
        kind: ``architecture`` or ``dataset``.
        fast: leave out the slow checks.
        tell: called with each check's name before it runs.
        into: a report to add results to as they come, so that they survive an interruption.
    """
    report = into or Report(subject.name)
    for item in list_checks(kind, fast=fast):
        tell(item.name)
        report.results.append(_run(item, subject))
    if kind == "architecture":
        report.facts = _find_facts(subject)
    return report


def call_check(item: Check, subject: Any) -> None:
    """Run one check.

    Raises:
        CheckFailure: the rule is violated, or an unexpected error was raised.
        CheckSkipped: the check does not apply to the subject.
    """
    try:
        if item.gaussian and not subject.is_gaussian:
            raise CheckSkipped("the posterior is not Gaussian")
        with _quiet():
            item.function(subject)
    except (CheckFailure, CheckSkipped):
        raise
    except (Exception, SystemExit) as error:
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
    start = time.perf_counter()
    try:
        call_check(item, subject)
    except CheckFailure as failure:
        status, message = "failed", str(failure)
    except CheckSkipped as reason:
        status, message = "skipped", str(reason)
    return CheckResult(item.name, status, time.perf_counter() - start, message, item.rule)


def _find_facts(subject: Any) -> dict[str, Any]:
    facts = dict.fromkeys(("import_seconds", "build_seconds", "parameters", "flops"))
    try:
        from zoo.evaluation.cost.flops import count_flops
        from zoo.factory.create import parameter_count

        model = subject.model
        facts["parameters"] = parameter_count(model)
        facts |= {"import_seconds": subject.import_seconds, "build_seconds": subject.build_seconds}
        parts = [count_flops(part) for part in (model.encoder, model.decoder)]
        facts["flops"] = None if None in parts else sum(part or 0 for part in parts)
    except Exception:  # A model that cannot be built or counted has already failed a check.
        return facts
    return facts


def _raise_failures(report: Report) -> Report:
    if report.failed:
        lines = "".join(f"\n- {result.name}: {result.message}" for result in report.failed)
        raise CheckFailure(f"{report.name}: {len(report.failed)} of {len(report.results)} checks failed:{lines}")
    return report
