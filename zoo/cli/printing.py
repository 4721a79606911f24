"""The output of the commands."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.errors import counted
from zoo.files import read_json
from zoo.score_names import SCORES, find_score, score_at
from zoo.shown import show, show_line

if TYPE_CHECKING:
    from zoo.benchmarking import Leaderboard

SLOWEST = 12  # Number of layers shown from a profile.
MOST_DRAWN = 1000  # Rows of a table that is fitted to a terminal.
GAP = 3  # Spaces between the columns of a table.


def print_json(content: Any) -> None:
    """Print plain data to stdout as JSON."""
    # JSON escapes all that cannot be seen but one character.
    click.echo(json.dumps(content, indent=2, allow_nan=False).replace("\x7f", "\\u007f"))


def echo(text: object = "", *, err: bool = False) -> None:
    """Print text to stdout, or to stderr, with every character that cannot be seen as an escape."""
    click.echo(show(text, lines=True), err=err)


def tell(message: object) -> None:
    """Print a message to stderr, on one line."""
    click.echo(f"zoo: {show_line(message)}", err=True)


def print_text(text: str) -> None:
    """Print a paragraph to stdout, on a terminal with its lines broken between words."""
    shown = show(text)
    click.echo(click.wrap_text(shown, shutil.get_terminal_size().columns) if sys.stdout.isatty() else shown)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int | None = None) -> None:
    """Print a table to stdout; columns from ``numbers_from`` on are right-aligned.

    On a terminal, number columns that do not fit are printed below the others, with the first column repeated. Where
    even single words do not fit side by side, each row is printed as a list.
    """
    header, *rows = ([show(cell) for cell in row] for row in (header, *rows))
    if len(rows) > MOST_DRAWN or not sys.stdout.isatty():
        _print_lines(header, rows, range(len(header) if numbers_from is None else numbers_from, len(header)))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    columns = range(len(header))
    if any(header) and _narrowest(header, rows, numbers_from) > console.width:
        # One table for each row: the columns' names, and what the row has in them.
        parts = [([("", False)] * 2, [[header[n].strip(), row[n]] for n in columns if row[n]]) for row in rows]
    else:
        parts = [
            ([(header[n], numbers_from is not None and n >= numbers_from) for n in shown],
             [[row[n] for n in shown] for row in rows])
            for shown in ([columns] if numbers_from is None else _fit(header, rows, console.width))
        ]  # fmt: skip
    for number, (titles, cells) in enumerate(parts):
        if number:
            console.print()
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.show_header = any(title for title, _ in titles)
        for title, right in titles:
            table.add_column(Text(title), justify="right" if right else "left", no_wrap=right, overflow="fold")
        for row in cells:
            table.add_row(*map(Text, row))
        console.print(table)


def _print_lines(header: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[int]) -> None:
    """Print a table a line for each row, however long: to a file, a pipe, or where there are very many rows."""
    from rich.cells import cell_len

    shown = [*([header] if any(header) else []), *rows]
    lines = [[[*cell.splitlines(), ""][: max(1, len(cell.splitlines()))] for cell in row] for row in shown]
    widths = [max((cell_len(part) for row in lines for part in row[n]), default=0) for n in range(len(header))]

    def pad(text: str, column: int) -> str:
        missing = " " * (widths[column] - cell_len(text))
        return missing + text if column in numbers else text + missing

    printed = []
    for number, row in enumerate(lines):
        for line in range(max(map(len, row), default=0)):
            cells = (pad(cell[line] if line < len(cell) else "", column) for column, cell in enumerate(row))
            printed.append((" " * GAP).join(cells))
        if number == 0 and any(header):
            printed.append("─" * (sum(widths) + GAP * (len(widths) - 1)))
    sys.stdout.write("\n".join([*printed, ""]))  # click would write UTF-8 to a terminal of ASCII.


def _narrowest(header: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int | None) -> int:
    """Return the width below which words would be broken: numbers and their columns' names stay on one line."""
    lines = (header, *rows)
    words = [max((len(word) for row in lines for word in row[n].split()), default=0) for n in range(len(header))]
    if numbers_from is None:
        return sum(words) + GAP * (len(words) - 1)
    numbers = [max(len(row[n]) for row in lines) for n in range(numbers_from, len(header))]
    return words[0] + max([0, *numbers, *words[1:numbers_from]]) + GAP


def _fit(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[Sequence[int]]:
    """Return the columns of each table that fits into ``width``; every table begins with the first column."""
    widths = [max(len(row[index]) for row in (header, *rows)) + GAP for index in range(len(header))]
    tables: list[list[int]] = [[0]]
    for index in range(1, len(header)):
        if len(tables[-1]) > 1 and sum(widths[used] for used in (*tables[-1], index)) > width + GAP:
            tables.append([0])
        tables[-1].append(index)
    return [*tables]


def print_scores(scores: dict[str, Any]) -> None:
    """Print a model's scores, including its cost if present."""
    echo(_describe_facts({**scores["data"], **scores}))
    # The cost comes last, after the scores specific to a kind of model.
    order = [score.path[0] for score in SCORES if score.path[0] != "cost"]
    rows = []
    for path, value in _flatten({**dict.fromkeys(order), **scores}):
        if _is_shown(path, value):
            score = score_at(*path, result=scores)
            rows.append([score.title + _name_k(path, scores), score.show(value) + _count(path, scores), score.unit])
    print_table(["score", "value", "unit"], rows)
    groups = scores.get("kl_per_group")
    if groups:
        active = scores["active_units_per_group"] or ["-"] * len(groups)
        rows = [
            [str(number), f"{kl:.2f}", str(count)]
            for number, (kl, count) in enumerate(zip(groups, active, strict=True), 1)
        ]
        echo()
        print_table(["group, from the top", "KL divergence, nats", "active latents"], rows, numbers_from=1)


def _name_k(path: tuple[str, ...], scores: dict[str, Any]) -> str:
    """Return the number of draws of the importance-weighted bound, which is meaningless without it."""
    return f", k = {scores['iwae']['k']:,}" if path == ("iwae", "nats") else ""


def _count(path: tuple[str, ...], scores: dict[str, Any]) -> str:
    """Return the total number of latents, to follow the number of active ones."""
    latents = scores.get("kl_per_latent")
    return f" of {len(latents):,}" if path == ("active_units",) and latents else ""


def print_comparison(comparison: dict[str, Any], first: object, second: object) -> None:
    """Print two results side by side, with a caution about what their difference does not show.

    Args:
        comparison: the return value of ``zoo.compare``.
        first: source of the first result.
        second: source of the second result.
    """
    facts = comparison["facts"]
    echo(_describe_facts(facts) + (f", k = {facts['k']:,}" if facts["k"] else ""))
    echo(f"first:  {first}\nsecond: {second}\n")
    parts = [dict(_flatten(comparison[name])) for name in ("first", "second", "difference")]
    rows = []
    for path in dict.fromkeys((*parts[0], *parts[1])):
        score = score_at(*path, result=comparison)
        cells = [
            score.show(part[path], sign) if path in part else "-"
            for part, sign in zip(parts, ("", "", "+"), strict=True)
        ]
        rows.append([score.title, *cells, score.unit])
    print_table(["score", "first", "second", "difference", "unit"], rows, numbers_from=1)
    echo()
    print_text(comparison["note"])


def _describe_facts(facts: dict[str, Any]) -> str:
    where = f"{facts['dataset'] or 'images'}{' ' + facts['part'] if facts['part'] else ''}"
    where += f", {counted(facts['images'], 'image')}"
    which = f" (SHA-256 {facts['sha256'][:12]}...)" if facts["sha256"] else ""
    given = " given their labels" if facts.get("conditional") else ""
    return (
        f"{where}{given}{which}; likelihood {facts['likelihood']}, binarization {facts['binarization']}, "
        f"seed {facts['seed']}"
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_shown(path: tuple[str, ...], value: Any) -> bool:
    """Return whether this is a number from the table of scores, or one specific to a kind of model."""
    own = len(path) == 1 and path[0] != "seed" and _is_number(value)
    return value is not None and (find_score(*path) is not None or own)


def _flatten(tree: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flatten(value, (*above, name))
        else:
            yield (*above, name), value


def print_profile(folder: Path) -> None:
    """Print where the time of a training step goes, by part and by layer; print nothing if there is no profile."""
    from zoo.training.profile import PROFILE_FILE

    if not (folder / PROFILE_FILE).is_file():
        return
    profile = read_json(folder / PROFILE_FILE)
    total = sum(profile["parts"].values())
    rows = [
        [title, f"{milliseconds:.2f}", f"{milliseconds / total:.1%}"]
        for named in (profile["parts"], dict(list(profile["layers"].items())[:SLOWEST]))
        for title, milliseconds in named.items()
    ]
    echo(f"one step takes {1e3 * profile['seconds']:.1f} ms (mean of {profile['steps']}); operations in all threads:")
    print_table(["part or layer", "ms", "share"], rows, numbers_from=1)
    echo()


def print_leaderboard(leaderboard: Leaderboard) -> None:
    """Print a leaderboard's tables and the runs that failed."""
    from zoo.benchmarking.text import LONGEST_REASON, describe_table, explain_table, table_cells

    for table in leaderboard.tables:
        header, *rows = table_cells(table)
        echo(describe_table(table))
        print_table(header, rows, numbers_from=1)
        print_text(explain_table(table))
        echo()
    for run in leaderboard.failed:
        echo(f"failed: {run.preset}, seed {run.seed}: {show_line(run.error, most=LONGEST_REASON)}")
