"""The pages of ``zoo explore`` within a report."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable

import keras

from zoo.data.dataset import Dataset
from zoo.errors import ZooError
from zoo.explorer.images import find_images
from zoo.explorer.page import make_page
from zoo.report.samples import open_samplers
from zoo.runs.run import Run
from zoo.saving.load import load_model


def make_explorer(run: Run, title: str, notes: list[str], load: Callable[[str], Dataset]) -> str | None:
    """Return the page of a run's model as JSON that may stand in a script element.

    Args:
        run: the run.
        title: what the page calls the model.
        notes: gets a sentence if there can be no page; None is returned then.
        load: loads a dataset by its name.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # Those of the album are in the report already.
            model = load_model(run.path)
        try:
            # Notes about those that cannot be loaded are beside the samples.
            samplers = open_samplers(model, run.path, None, (), [])
            page = make_page(model, find_images(model, _find_data(run, load), None), title, samplers=samplers)
        finally:
            del model
            keras.utils.clear_session()
    except (ZooError, ValueError) as error:
        notes.append(f"The latent space cannot be explored here: {error}")
        return None
    return json.dumps(page).replace("<", "\\u003c")


def _find_data(run: Run, load: Callable[[str], Dataset]) -> Dataset | None:
    try:
        return load(run.config["dataset"])
    except ZooError:
        return None
