"""The ``zoo check`` command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from zoo.cli.keras_import import import_keras
from zoo.cli.options import as_json
from zoo.cli.printing import echo, print_json, print_table
from zoo.registry import catalogue

if TYPE_CHECKING:
    from zoo.testing.runner import Report

MARKS = {"passed": "✓", "failed": "✗", "skipped": "-"}


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--plugin", metavar="FILE|MODULE", help="Load this plugin and check everything it provides.")
@click.option("--image-shape", metavar="HxWxC", help="The only shape of images to check with, such as 64x64x3.")
@click.option(
    "--fast", is_flag=True, help="Skip the slow checks: loading in a new process, mixed precision, eager steps."
)
@as_json
@click.pass_context
def check(
    ctx: click.Context, names: tuple[str, ...], plugin: str | None, image_shape: str | None, fast: bool, as_json: bool
) -> None:
    """Check what plugins provide against every rule of the zoo.

    Each NAME is an architecture, a dataset, a likelihood or a metric; with --plugin, names may be omitted. Exit status
    1 if a check fails.
    """
    from zoo.testing.kinds import kind_of
    from zoo.testing.shapes import parse_shape

    shape = None if image_shape is None else parse_shape(image_shape)
    if plugin is not None:
        provided = catalogue.load_plugin(plugin).provides
        # No rule is about executors.
        names = names or tuple(name for name in provided if name not in catalogue.executors())
    if not names:
        raise click.UsageError("pass the name of an architecture, a dataset, a likelihood or a metric, or --plugin")
    # Unknown names are rejected before the slow import of Keras.
    kinds = {name: kind_of(name) for name in names}
    import_keras()
    reports = []
    for name, kind in kinds.items():
        reports.append(_check(name, kind, plugin, shape if kind == "architecture" else None, fast, shown=not as_json))
    if as_json:
        print_json([report.to_dict() for report in reports])
    ctx.exit(1 if any(report.failed for report in reports) else 0)


def _check(
    name: str, kind: str, plugin: str | None, shape: tuple[int, ...] | None, fast: bool, *, shown: bool
) -> Report:
    """Run the checks for one name and print the results, including those obtained before an interruption."""
    from zoo.progress import show_progress
    from zoo.testing.catalogue import list_checks
    from zoo.testing.kinds import make_subject
    from zoo.testing.runner import Report, run_checks

    subject = make_subject(name, kind, plugin, shape)
    count = len(list_checks(kind, fast=fast))
    report, running = Report(name), ""

    def tell(check: str) -> None:
        nonlocal running
        advance(1 if running else 0, check)
        running = check

    try:
        with show_progress(f"checking {name}", count, shown=True, unit="checks") as advance:
            run_checks(subject, kind=kind, fast=fast, tell=tell, into=report)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted while running {running}, check {len(report.results) + 1} of {count} for {name}"
        ) from None
    finally:
        if shown:
            _print(report)
    return report


def _print(report: Report) -> None:
    rows = [[f"{MARKS[result.status]} {result.name}", f"{result.seconds:.1f}"] for result in report.results]
    echo(report.name)
    print_table(["  check", "seconds"], rows, numbers_from=1)
    for result in report.failed:
        echo(f"\n{result.name} failed: {result.message}")
    skipped: dict[str | None, list[str]] = {}
    for result in report.select("skipped"):
        skipped.setdefault(result.message, []).append(result.name)
    for reason, names in skipped.items():
        echo(f"\nskipped because {reason}: {', '.join(names)}")
    counts = ", ".join(f"{len(report.select(status))} {status}" for status in MARKS if report.select(status))
    echo(f"\n{report.name}: {counts} in {report.seconds:.1f} s{_describe(report.facts)}\n")


def _describe(facts: dict[str, Any]) -> str:
    known = {key: value for key, value in facts.items() if value is not None}
    shown = [
        text.format(known[key])
        for key, text in (
            ("import_seconds", "imported in {:.2f} s"),
            ("build_seconds", "built in {:.2f} s"),
            ("train_seconds", "trained a little in {:.1f} s"),
            ("parameters", "{:,} parameters"),
        )
        if key in known
    ]
    shown += [f"{known['flops'] / 1e6:.1f} MFLOPs for one image"] if "flops" in known else []
    where = f" ({' x '.join(map(str, known['image_shape']))})" if "image_shape" in known else ""
    return f"; {', '.join(shown)}{where}" if shown else ""
