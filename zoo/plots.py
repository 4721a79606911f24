"""Pictures of a model; every function returns a matplotlib ``Figure``, to be written with ``figure.savefig``."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib import figure as matplotlib_figure
from matplotlib.ticker import MaxNLocator
from scipy import linalg

from zoo.data.checks import as_float
from zoo.data.tensors import as_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from zoo.autoencoder.model import AutoEncoder

__all__ = [
    "Figure",
    "plot_history",
    "plot_interpolation",
    "plot_latent_space",
    "plot_reconstructions",
    "plot_rows",
    "plot_samples",
    "principal_plane",
]

TILE = 0.8  # inches
DPI = 150
COLUMNS = 12  # Images in a row of reconstructions.


class Figure(matplotlib_figure.Figure):
    """A matplotlib figure that notebooks display without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def plot_reconstructions(model: AutoEncoder, images: Any, labels: Any = None) -> Figure:
    """Show images above their reconstructions.

    Args:
        model: the model.
        images: ``(n, H, W, C)``, uint8 in 0..255 or float in [0, 1], or a ``zoo.Split``.
        labels: for a conditional model, as for its ``reconstruct``.

    Returns:
        The originals above the mean images through the posterior mean, in pairs of rows of at most 12 images.

    Raises:
        ValueError: the images are not as described above, or the model's result is NaN, as for all of these plots.
    """
    array = model.check_array(images, labels)
    both = {"original": as_float(getattr(array, "values", array)), "reconstruction": _finite(model.reconstruct(array))}
    starts = range(0, len(array), COLUMNS)
    return plot_rows([(name, row[start : start + COLUMNS]) for start in starts for name, row in both.items()])


def plot_samples(
    model: AutoEncoder, rows: int = 4, columns: int = 10, seed: int | None = 0, labels: Any = None
) -> Figure:
    """Show mean images of z drawn from the prior.

    Args:
        model: the model.
        rows: of images.
        columns: likewise.
        seed: makes the draw reproducible.
        labels: for a conditional model, ``(rows * columns,)``, or one for all; by default a class for each column.
    """
    from zoo.plotted import labels_by_column

    if labels is None:
        labels = labels_by_column(model, rows, columns)
    beside = {} if labels is None else {"labels": labels}
    images = _finite(model.sample(rows * columns, seed=seed, **beside))
    grid = {str(row): images[row * columns : (row + 1) * columns] for row in range(rows)}
    title = "samples from the prior, given labels" if beside else "samples from the prior"
    return plot_rows(grid, title, named=False)


def plot_interpolation(model: AutoEncoder, a: Any, b: Any, steps: int = 10, labels: Any = None) -> Figure:
    """Show interpolations between images, on straight lines between their posterior means.

    Args:
        model: the model.
        a: an image ``(H, W, C)`` or a batch of them, one row each.
        b: the same shape as ``a``.
        steps: the number of images per row, including both ends (as the model reconstructs them).
        labels: for a conditional model, one for each row.
    """
    first, last = as_array(a), as_array(b)
    if first.ndim == 3:
        first, last = first[None], last[None]
    path = _finite(model.interpolate(first, last, steps, *(() if labels is None else (labels,))))
    return plot_rows({str(row): images for row, images in enumerate(path)}, "interpolation", named=False)


def plot_latent_space(
    model: AutoEncoder, images: Any, labels: Any = None, classes: Sequence[str] | None = None
) -> Figure:
    """Show the posterior means: unchanged for two latents, otherwise on their first two principal components.

    Args:
        model: the model, with at least two latents.
        images: ``(n, H, W, C)``, n at least 3.
        labels: ``(n,)`` integers that determine the colour; a conditional model encodes the images with them.
        classes: the names of the labels; empty or None shows the labels themselves.

    Raises:
        ValueError: fewer than two latents or three images, or the numbers of labels and images differ.
    """
    means = _finite(model.encode(images, *((labels,) if model.takes_labels else ()))[0])
    means = means.reshape(len(means), -1).astype("float64")
    if means.shape[1] < 2 or len(means) < 3:
        raise ValueError(f"got {len(means)} images and {means.shape[1]} latents; expected at least 3 and 2")
    if labels is not None and len(labels) != len(means):
        raise ValueError(f"labels: got {len(labels)}; expected {len(means)}, one for each image")
    points, names = principal_plane(means)
    figure = Figure(figsize=(6.4, 5.2), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    if labels is None:
        axes.scatter(points[:, 0], points[:, 1], s=5, linewidths=0)
    else:
        _scatter_classes(axes, points, as_array(labels), classes)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=3, handletextpad=0.1, frameon=False)
    axes.set(title="posterior means", xlabel=names[0], ylabel=names[1])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    reach = 0.55 * (np.ptp(points, axis=0).max() or 1.0)  # A collapsed posterior is one point.
    axes.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach))
    axes.set_box_aspect(1)
    return figure


def _finite(values: np.ndarray) -> np.ndarray:
    """Return what a model has computed; ``ValueError`` if it is not finite, since it would look like black pictures."""
    if not np.isfinite(values).all():
        raise ValueError(
            "the model's result is NaN or infinite, so it cannot be drawn: use a model saved before it diverged, or "
            "train again, with a lower learning rate"
        )
    return values


def plot_history(history: Any) -> Figure:
    """Show the loss and its two terms over the epochs.

    Args:
        history: a ``zoo.Run``, or what ``fit`` returns; or the values of either, by name: ``loss``,
            ``reconstruction_loss``, ``kl_loss`` and their ``val_`` counterparts.
    """
    values_of: Mapping[str, Sequence[float]] = getattr(history, "history", history)
    figure = Figure(figsize=(10, 3.4), dpi=DPI, layout="constrained")
    parts = {"loss": "loss", "reconstruction_loss": "reconstruction", "kl_loss": "KL divergence"}
    for axes, (key, title) in zip(figure.subplots(1, 3), parts.items(), strict=True):
        for prefix, label, style in (("", "training", "o-"), ("val_", "validation", "s--")):
            values = values_of.get(prefix + key)
            if values:
                axes.plot(range(1, len(values) + 1), values, style, label=label, markersize=3)
        axes.set(title=title, xlabel="epoch", ylabel="nats per image")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def plot_rows(
    rows: Mapping[str, np.ndarray] | Sequence[tuple[str, np.ndarray]], title: str | None = None, *, named: bool = True
) -> Figure:
    """Show rows of images of the same size.

    Args:
        rows: names and images ``(n, H, W, C)``, float in [0, 1]; a list may have a name several times.
        title: the title above all rows.
        named: whether to show the names on the left.
    """
    rows = list(rows.items()) if isinstance(rows, Mapping) else rows
    columns = max(len(images) for _, images in rows)
    margin = 0.1 + 0.085 * max(len(name) for name, _ in rows) if named else 0.05
    header = 0.35 if title else 0.05
    width, height = margin + TILE * columns + 0.05, header + TILE * len(rows) + 0.05
    figure = Figure(figsize=(width, height), dpi=DPI)
    # One pair of axes for all images, in inches from the top left corner: a pair for each takes ten times as long.
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    for row, (name, images) in enumerate(rows):
        top = header + row * TILE
        if named:
            axes.text(margin - 0.08, top + TILE / 2, name, ha="right", va="center", size=9)
        for column, image in enumerate(images):
            _show(axes, image, margin + column * TILE, top)
    if title:
        axes.text(width / 2, 0.18, title, ha="center", va="center", size=11)
    return figure


def _show(axes: Axes, image: np.ndarray, left: float, top: float) -> None:
    """Show an image in the middle of the tile whose top left corner is given, as large as fits."""
    # Two channels, or more than four, cannot be shown as colours.
    colours = image.shape[-1] in (3, 4)
    shown = image if colours else image.mean(axis=-1)
    scale = 0.95 * TILE / max(image.shape[:2])
    height, width = (scale * size for size in image.shape[:2])
    x, y = left + (0.95 * TILE - width) / 2, top + 0.05 * TILE + (0.95 * TILE - height) / 2
    axes.imshow(
        np.clip(shown, 0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto",
        extent=(x, x + width, y + height, y),
    )  # fmt: skip


def principal_plane(means: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """Return points and the names of their two axes: two latents unchanged, more on the first principal components."""
    if means.shape[1] == 2:
        return means, ("first latent", "second latent")
    centred = means - means.mean(axis=0)
    count, size = centred.shape
    # Of the smaller of the two products, and two of its vectors alone: a singular value decomposition takes far longer.
    wide = size > count
    product = centred @ centred.T if wide else centred.T @ centred
    squares, vectors = linalg.eigh(product, subset_by_index=(len(product) - 2, len(product) - 1))
    squares, vectors = np.maximum(squares[::-1], 0), vectors[:, ::-1]
    share = 100 * squares / max(np.square(centred).sum(), np.finfo(float).tiny)
    first, second = (
        f"{nth} principal component ({share[i]:.0f} % of variance)" for i, nth in enumerate(("first", "second"))
    )
    return vectors * np.sqrt(squares) if wide else centred @ vectors, (first, second)


def _scatter_classes(axes: Axes, points: np.ndarray, labels: np.ndarray, classes: Sequence[str] | None) -> None:
    values = np.unique(labels)
    colours = matplotlib.colormaps["tab10" if len(values) <= 10 else "turbo"]
    for index, value in enumerate(values):
        chosen = labels == value
        colour = colours(index if len(values) <= 10 else index / (len(values) - 1))
        name = classes[int(value)] if classes else str(value)
        axes.scatter(points[chosen, 0], points[chosen, 1], s=6, linewidths=0, color=colour, label=name, alpha=0.8)
