"""Options and arguments shared by several commands, and how their values are parsed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from zoo.errors import one_line
from zoo.registry.fields import as_plain_values, shorten

LONGEST_VALUE = 10_000  # Characters.

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
out_option = click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True,
    help="Folder that holds the run folders.",
)  # fmt: skip
data_option = click.option(
    "--data-dir", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with the official files (default: $ZOO_DATA).",
)  # fmt: skip
callback_option = click.option(
    "--callback", "callbacks", multiple=True, metavar="MODULE:FUNCTION",
    help="Function that is called with the run and returns a Keras callback for it.",
)  # fmt: skip
seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Random seed."
)
source_argument = click.argument("source", metavar="RUN|FILE|PRESET")
dataset_option = click.option(
    "--data", "dataset", metavar="DATASET", help="Dataset to use (default: the one the model was trained on)."
)
part_option = click.option(
    "--part", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True,
    help="Part of the dataset to use.",
)  # fmt: skip


def executor_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where the runs are trained to a command."""
    for option in (
        click.option("--executor-option", "executor_options", multiple=True, metavar="KEY=VALUE",
                     callback=read_settings, help="Option of the executor, such as address=auto."),
        click.option("--executor", metavar="NAME",
                     help="What trains the runs: local, ray, slurm or a plugin's (default: local)."),
        click.option("--jobs", type=click.IntRange(1), help="Number of runs at a time; local ones share the "
                     "processors (default: 1 on this machine, elsewhere as many as there is room for)."),
    ):  # fmt: skip
        command = option(command)
    return command


def read_settings(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """Parse ``KEY=VALUE`` settings as a click callback; values are YAML, except that ``1e-3`` is a number."""
    settings = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key or not text.strip():
            raise click.BadParameter(f"{shorten(value)}: expected KEY=VALUE")
        settings[key] = _parse(text)
    return settings


def read_grid(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, list[Any]]:
    """Parse ``KEY=VALUE,VALUE`` settings as a click callback; commas inside brackets do not separate values."""
    grid = {}
    for value in values:
        key, equals, text = value.partition("=")
        parts = [part.strip() for part in _split(text)]
        if not equals or not key or not all(parts):
            raise click.BadParameter(f"{shorten(value)}: expected KEY=VALUE or KEY=VALUE,VALUE")
        grid[key] = [_parse(part) for part in parts]
    return grid


def read_space(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """Parse ``KEY=VALUES`` as a click callback: a range such as ``uniform(0,1)`` stays text, values become a list."""
    ranges = {key: text for key, _, text in (value.partition("=") for value in values) if text.rstrip().endswith(")")}
    others = tuple(value for value in values if value.partition("=")[0] not in ranges)
    return ranges | read_grid(ctx, param, others)


def _split(text: str) -> list[str]:
    depth, parts = 0, [""]
    for letter in text:
        depth += (letter in "[{(") - (letter in "]})")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _parse(text: str) -> Any:
    import yaml

    if len(text) > LONGEST_VALUE:
        raise click.BadParameter(f"a value has {len(text):,} characters: expected at most {LONGEST_VALUE:,}")
    try:
        value = _parse_number(text)
        return as_plain_values(yaml.safe_load(text) if value is None else value, "it")
    except yaml.YAMLError as error:
        reason = getattr(error, "problem", None) or "not YAML"
        raise click.BadParameter(f"{shorten(text)} is not a valid value: {reason}") from error
    except RecursionError:
        raise click.BadParameter(f"{shorten(text)} is not a valid value: it is nested too deeply") from None
    except ValueError as error:
        raise click.BadParameter(f"{shorten(text)} is not a valid value: {one_line(error)}") from error


def _parse_number(text: str) -> float | None:
    """Return a number as Python writes it, such as ``1e-3``, which is text in YAML; None for other text."""
    if "_" in text:  # Python would parse 1_0 as ten.
        return None
    try:
        return float(text) if not text.lstrip("+-").isdigit() else int(text)
    except ValueError:
        return None
