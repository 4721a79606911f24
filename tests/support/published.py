"""A model that was trained for a moment, and its published weights."""

import contextlib

import pytest

import zoo
from support.paths import SAMPLE_PLUGINS
from zoo.registry import catalogue

PRESET = "tiny_cnn/tiny"


@contextlib.contextmanager
def tiny_plugin():
    """Make the dataset ``tiny`` and the architecture ``tiny_cnn`` known."""
    record = catalogue.load_plugin(str(SAMPLE_PLUGINS / "tiny_digits.py"))
    try:
        yield record
    finally:
        catalogue._registered.pop(record.name)
        zoo.refresh()


def train_tiny(out, seed=0, **settings):
    """Train for an epoch or two, without the pictures that take longer than that."""
    from zoo.training import job
    from zoo.training.pictures import draw_history

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "draw_all", lambda run, model, test, classes, history: draw_history(run, history))
        return zoo.train(PRESET, seed=seed, out=out, progress=False, **settings)
