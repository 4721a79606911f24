"""The pictures in a run folder."""

from __future__ import annotations

import math

from zoo import plots
from zoo.autoencoder.model import AutoEncoder
from zoo.data.dataset import Split
from zoo.plotted import choose_pairs
from zoo.runs.history import History
from zoo.runs.run import Run

SHOWN = 10


def draw_all(run: Run, model: AutoEncoder, test: Split, classes: tuple[str, ...], history: History) -> None:
    """Draw the losses, reconstructions, samples, interpolations and the latent space, on the test split."""
    draw_history(run, history)
    draw_reconstructions(run, model, test)
    run.save_figure(plots.plot_samples(model), "samples.png")
    pairs = choose_pairs(model, test.images, test.labels)
    if pairs is not None:
        first, last, labels = pairs
        run.save_figure(plots.plot_interpolation(model, first, last, labels=labels), "interpolation.png")
    if len(test) >= 3 and math.prod(model.latent_shape) > 1:
        figure = plots.plot_latent_space(model, test.images[:2000], test.labels[:2000], classes)
        run.save_figure(figure, "latent_space.png")


def draw_reconstructions(run: Run, model: AutoEncoder, test: Split) -> None:
    """Draw the first images of the test split above their reconstructions."""
    run.save_figure(plots.plot_reconstructions(model, test.limit(SHOWN)), "reconstructions.png")


def draw_history(run: Run, history: History) -> None:
    """Draw the losses of the epochs, if there are any."""
    if history.rows:
        run.save_figure(plots.plot_history(history.columns), "loss_curve.png")
