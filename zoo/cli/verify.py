"""The ``zoo verify`` command."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.keras_import import import_keras
from zoo.cli.options import as_json, data_option
from zoo.cli.printing import echo, print_json, print_table, tell
from zoo.cli.trained import find_source

if TYPE_CHECKING:
    from zoo.benchmarking.verify import Verdict

MARKS = {"verified": "✓", "failed": "✗", "unchecked": "-"}  # Keyed by the values of ``Status``, which needs Keras.


@click.command()
@click.argument("given", metavar="RUN|DIR|PRESET")
@click.option("--tolerance", type=click.FloatRange(0), default=1e-4, show_default=True,
              help="Largest relative difference allowed in a score.")  # fmt: skip
@data_option
@as_json
@click.pass_context
def verify(ctx: click.Context, given: str, tolerance: float, data_dir: Path | None, as_json: bool) -> None:
    """Check that runs and trained weights match their records: files unchanged, scores the same when recomputed.

    Exit status 1 if anything has changed; anything that cannot be checked is reported, but is not a failure.
    """
    path = find_source(given, folders=True)
    import_keras()
    from zoo.benchmarking.verify import verify as check

    verdicts = check(path, tolerance=tolerance, data_dir=data_dir, tell=lambda run: tell(f"{run}"))
    if as_json:
        print_json([_plain(verdict) for verdict in verdicts])
    else:
        _print(verdicts, tolerance)
    ctx.exit(1 if any(verdict.status == "failed" for verdict in verdicts) else 0)


def _plain(verdict: Verdict) -> dict[str, Any]:
    finite = verdict.drift is None or verdict.drift != float("inf")
    return {
        "path": str(verdict.path),
        "status": verdict.status,
        "findings": list(verdict.findings),
        "drift": verdict.drift if finite else None,
    }


def _print(verdicts: list[Verdict], tolerance: float) -> None:
    rows = [
        [f"{MARKS[it.status]} {it.path}", it.status, "-" if it.drift is None else f"{it.drift:.1e}"] for it in verdicts
    ]
    print_table(["  run", "result", "largest drift"], rows, numbers_from=2)
    for verdict in verdicts:
        for finding in verdict.findings if verdict.status == "failed" else ():
            echo(f"\n{verdict.path}: {finding}")
    unchecked = Counter(
        finding for verdict in verdicts if verdict.status == "unchecked" for finding in verdict.findings
    )
    for finding, count in unchecked.items():
        echo(f"\nunchecked, {count}: {finding}")
    counts = ", ".join(
        f"{sum(it.status == status for it in verdicts)} {status}"
        for status in MARKS
        if any(it.status == status for it in verdicts)
    )
    echo(f"\n{counts}; relative tolerance for scores: {tolerance:g}")
