"""The pictures in a run folder."""

from __future__ import annotations

import math

from zoo import plots
from zoo.autoencoder.model import AutoEncoder
from zoo.data.dataset import Split
from zoo.runs.history import History
from zoo.runs.run import Run

SHOWN = 10


def draw_all(run: Run, model: AutoEncoder, test: Split, classes: tuple[str, ...], history: History) -> None:
    """Draw the losses, reconstructions, samples, interpolations and the latent space, on the test split."""
    images, labels = test.images, test.labels
    draw_history(run, history)
    draw_reconstructions(run, model, test)
    run.save_figure(plots.plot_samples(model), "samples.png")
    half = len(images) // 2
    if half:
        pairs = min(half, 4)
        figure = plots.plot_interpolation(model, images[:pairs], images[half : half + pairs])
        run.save_figure(figure, "interpolation.png")
    if len(images) >= 3 and math.prod(model.latent_shape) > 1:
        figure = plots.plot_latent_space(model, images[:2000], labels[:2000], classes)
        run.save_figure(figure, "latent_space.png")


def draw_reconstructions(run: Run, model: AutoEncoder, test: Split) -> None:
    """Draw the first images of the test split above their reconstructions."""
    run.save_figure(plots.plot_reconstructions(model, test.images[:SHOWN]), "reconstructions.png")


def draw_history(run: Run, history: History) -> None:
    """Draw the losses of the epochs, if there are any."""
    if history.rows:
        run.save_figure(plots.plot_history(history.columns), "loss_curve.png")
