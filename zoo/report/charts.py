"""The charts of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb, to_hex
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.ticker import FuncFormatter, MaxNLocator

from zoo.report.svg import ACCENT, MUTED, PAPER, SERIES, drawing, to_svg
from zoo.report.typography import typeset

# Shapes distinguish series when colours do not.
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "p", "<", ">"]
MANY = 20  # Ratio of the greatest to the least value above which an axis is logarithmic.
FEW_EPOCHS = 15  # Most epochs that are marked individually.
NAMED = 24  # Most latents whose bars are labelled.


@dataclass(frozen=True)
class Series:
    """The data of one model in a chart.

    Args:
        index: determines its colour and its mark.
        x: values; for a curve, the epochs.
        y: values.
        low: the lower ends of a band or of error bars; None for none.
        high: the upper ends.
        dashed: whether the curve is dotted with hollow marks.
    """

    index: int
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    dashed: bool = False

    @property
    def style(self) -> dict[str, Any]:
        """The colour, mark and line style."""
        count = len(SERIES)
        dash = "-" if self.index < count else "--"
        return {"color": SERIES[self.index % count], "marker": MARKERS[self.index % count], "linestyle": dash}


def draw_curves(series: Sequence[Series], name: str, title: str, label: str) -> Markup:
    """Draw values by epoch, one line for each series, with bands."""
    with drawing() as figure:
        axes = _axes(figure, title, "epoch")
        longest = max(len(each.x) for each in series)
        for each in series:
            style = each.style | ({} if longest <= FEW_EPOCHS else {"marker": None})
            if each.dashed:
                style |= {"linestyle": ":", "markerfacecolor": PAPER}
            if each.low is not None and each.high is not None:
                axes.fill_between(each.x, each.low, each.high, color=style["color"], alpha=0.18, linewidth=0)
            axes.plot(each.x, each.y, markersize=5, **style)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if longest == 1:
            axes.set_xlim(0.5, 1.5)
        return to_svg(figure, name, label)


def draw_points(
    series: Sequence[Series], name: str, title: str, xlabel: str, label: str, *, bounds: bool = False
) -> Markup:
    """Draw a mark for each value, with error bars.

    Args:
        series: the values.
        name: name of the figure.
        title: label of the vertical axis.
        xlabel: label of the horizontal axis.
        label: what the chart shows.
        bounds: draw lines along which the sum of the two values is constant.
    """
    with drawing() as figure:
        axes = _axes(figure, title, xlabel)
        for each in series:
            style = each.style | {"linestyle": "none"}
            if each.low is not None and each.high is not None:
                axes.vlines(each.x, each.low, each.high, color=style["color"], linewidth=1.5)
            axes.plot(each.x, each.y, markersize=9, markeredgecolor=PAPER, markeredgewidth=1, alpha=0.9, **style)
        values = np.concatenate([np.asarray(each.x, float) for each in series])
        if bounds:
            _pad(axes)
            if values.min() >= 0:
                axes.set_xlim(left=max(0.0, axes.get_xlim()[0]))
            _draw_bounds(axes)
        elif values.min() > 0 and values.max() > MANY * values.min():
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        else:
            axes.set_xlim(0, 1.1 * values.max() or 1)
            axes.margins(y=0.15)
        return to_svg(figure, name, label)


def draw_bars(values: Sequence[float], name: str, title: str, xlabel: str, label: str) -> Markup:
    """Draw bars from the highest to the lowest, labelled with their positions in ``values`` if there is room."""
    order = np.argsort(values)[::-1]
    with drawing() as figure:
        axes = _axes(figure, title, xlabel)
        axes.bar(range(len(order)), np.asarray(values)[order], color=ACCENT, width=0.75 if len(order) <= NAMED else 0.9)
        axes.set_ylim(bottom=0)
        if len(order) <= NAMED:
            axes.set_xticks(range(len(order)), [str(index + 1) for index in order], fontsize=9)
        axes.tick_params(axis="x", length=0)
        return to_svg(figure, name, label)


def draw_map(
    points: np.ndarray, groups: Sequence[np.ndarray], colours: Sequence[str], name: str, labels: Sequence[str]
) -> Markup:
    """Draw points in a plane.

    Args:
        points: ``(n, 2)``.
        groups: for each colour, a mask of the points that have it.
        colours: colours as returned by ``class_colours``.
        name: name of the figure.
        labels: labels of the horizontal and the vertical axis, and what the chart shows.
    """
    with drawing(360, 360) as figure:
        axes = _axes(figure, labels[1], labels[0])
        for chosen, colour in zip(groups, colours, strict=True):
            # Lines of zero length with round ends make dots, in a tenth of the space that marks take.
            vertices = np.repeat(points[chosen], 2, axis=0)
            codes = np.tile([Outline.MOVETO, Outline.LINETO], len(vertices) // 2)
            patch = PathPatch(Outline(vertices, codes), facecolor="none", edgecolor=colour, linewidth=4.5, alpha=0.75)
            patch.set_capstyle("round")
            axes.add_patch(patch)
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        reach = 0.55 * (np.ptp(points, axis=0).max() or 1.0)  # A collapsed posterior is one point.
        axes.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach))
        axes.set_box_aspect(1)
        axes.grid(True, axis="x")
        return to_svg(figure, name, labels[2])


def class_colours(count: int) -> list[str]:
    """Return a colour for each class: from the page for up to ten classes, else from the colour wheel."""
    if count <= len(SERIES):
        return SERIES[:count]
    return [to_hex(tuple(hsv_to_rgb((index / count, 0.65, 0.75)))) for index in range(count)]


def _axes(figure: Any, title: str, xlabel: str) -> Axes:
    axes: Axes = figure.subplots()
    axes.set_title(typeset(title), color=MUTED)
    axes.set_xlabel(typeset(xlabel))
    axes.grid(True, axis="y")
    axes.yaxis.set_major_formatter(FuncFormatter(_format))
    axes.xaxis.set_major_formatter(FuncFormatter(_format))
    return axes


def _format(value: float, _: Any) -> str:
    return typeset(f"{value:,.6g}" if abs(value) >= 1 else f"{value:.3g}")


def _pad(axes: Axes) -> None:
    """Leave room around the points, so that differences of a thousandth do not fill the chart."""
    for get, put in ((axes.get_xlim, axes.set_xlim), (axes.get_ylim, axes.set_ylim)):
        low, high = get()
        room = max(0.15 * (high - low), 0.01 * abs(high))
        put(low - room, high + room)


def _draw_bounds(axes: Axes) -> None:
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for total in MaxNLocator(6).tick_values(left + bottom, right + top):
        axes.plot(
            [left, right], [total - left, total - right], color=MUTED, linewidth=0.8, alpha=0.6, linestyle=(0, (3, 3))
        )
        if bottom < total - right < top - 0.1 * (top - bottom):
            axes.annotate(
                _format(total, None), (right, total - right), (-2, 3), textcoords="offset points", ha="right",
                color=MUTED, fontsize=9,
            )  # fmt: skip
    axes.set(xlim=(left, right), ylim=(bottom, top))
