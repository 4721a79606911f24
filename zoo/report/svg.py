"""Matplotlib figures as SVG inside a page, in the page's font and its light or dark colours."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from zoo.report.typography import typeset

# Placeholder colours for variables of the page's style sheet.
INK, MUTED, RULE, ACCENT, PAPER = (f"#0101{index:02x}" for index in range(1, 6))
SERIES = [f"#0102{index:02x}" for index in range(10)]
VARIABLES = {INK: "--ink", MUTED: "--muted", RULE: "--rule", ACCENT: "--accent", PAPER: "--surface"} | {
    colour: f"--series-{index}" for index, colour in enumerate(SERIES)
}
STYLE: Any = {
    "svg.fonttype": "none",
    "font.size": 12,
    "path.simplify": False,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.labelsize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "grid.color": RULE,
    "grid.linewidth": 1,
    "text.color": INK,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 0,
    "lines.linewidth": 2,
}


@contextmanager
def drawing(width: float = 360, height: float = 270) -> Iterator[Figure]:
    """Yield a figure of the given size to draw on, in the page's style."""
    with matplotlib.rc_context(STYLE):
        yield Figure(figsize=(width / 72, height / 72), dpi=72, layout="constrained")


def to_svg(figure: Figure, name: str, label: str) -> Markup:
    """Return a figure as an ``svg`` element.

    Args:
        figure: a figure drawn with the colours of this module, without text that comes from a file.
        name: a name that is unique within the page.
        label: what the figure shows, for screen readers.
    """
    written = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    text = written.getvalue()
    box = re.search(r'viewBox="([^"]*)"', text)
    body = text[text.index(">", text.index("<svg")) + 1 :]
    # Remove matplotlib's style sheet, which would affect the whole page.
    body = re.sub(
        r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>|<!--.*?-->", "", body, flags=re.DOTALL
    )
    used = set(re.findall(r"#([\w-]+)[)\"]", body))
    body = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", body)
    body = body.replace("xlink:href", "href")
    body = re.sub(r'"[^"]*"', lambda found: re.sub(r"\d+\.\d{3,}", _round, found[0]), body)
    for colour, variable in VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    start = f'<svg class="chart" viewBox="{box[1] if box else ""}" role="img" aria-label="{escape(typeset(label))}">'
    return Markup(start + re.sub(r">\s+<", "><", body).strip())


def _round(found: Any) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
