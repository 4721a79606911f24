"""From a folder of runs to an HTML file."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zoo.data.load import load_recorded_dataset
from zoo.errors import RunError
from zoo.files import write_text
from zoo.progress import show_progress
from zoo.shown import show

REPORT_FILE = "report.html"
MOST_MODELS = 50  # Of a table: each page has pictures, which take seconds to draw and half a megabyte.


@contextlib.contextmanager
def _collecting_new_garbage() -> Iterator[None]:
    """Leave what exists, most of it imported, out of the collections of garbage after each model."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _finalize(value: Any) -> Any:
    """Return what a template shows, with every character that cannot be seen as an escape; it keeps what is HTML."""
    return type(value)(show(value, lines=True)) if isinstance(value, str) else value


def write_report(
    folder: str | Path,
    out: str | Path | None = None,
    *,
    data_dir: str | Path | None = None,
    explore: bool = False,
    models: int = MOST_MODELS,
    samples: int = 0,
    samplers: Sequence[str] = (),
    progress: bool = False,
) -> Path:
    """Write one self-contained HTML file about the runs in a folder.

    It has the leaderboard, charts, and for each model a page with pictures, configuration, costs and provenance.

    Args:
        folder: the output folder of ``zoo benchmark``, or any folder that contains run folders at any depth.
        out: the file; ``report.html`` in the folder by default. An existing file is replaced.
        data_dir: folder with the official files of the datasets whose test images are shown; or, for runs trained on a
            folder of images, that folder or one that contains it.
        explore: whether each model's page has one in which its latent space is explored, as ``zoo.explore`` writes it.
        models: the number of models of each table, the best first, that have a page and a place in the charts; the
            tables have all.
        samples: how many samples of each model are compared with as many test images, by precision, recall and a
            Frechet distance, for images of digits; 0 for none.
        samplers: names of samplers to fit to each model's training images, as for ``zoo.samplers.fit``. A page shows
            samples by the prior, by these, and by those that ``Sampler.save`` has written to a folder in the folder
            ``samplers`` of the run.
        progress: show progress on stderr.

    Returns:
        The file.

    Raises:
        RunError: there is no run in the folder, or the package jinja2 is not installed.
        UnknownNameError: there is no such sampler.
        ValueError: ``models`` is less than 1, or ``samples`` is less than 4 and not 0.
        OSError: the file cannot be written.
    """
    if models < 1:
        raise ValueError(f"models is {models}: expected at least 1")
    if find_spec("jinja2") is None:
        raise RunError(
            'a report needs the package jinja2, which is not installed: pip install "autoencoder-zoo[report]"'
        )
    # Imported here, since these modules need the template package too.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from zoo.report.collecting import collect
    from zoo.report.groups import make_groups
    from zoo.report.pages import link_to, make_page
    from zoo.report.samples import Asked
    from zoo.samplers.fitting import choose

    asked = Asked(samples, tuple(samplers))
    for name in asked.samplers:
        choose(name)
    folder = Path(folder)
    out = Path(out) if out is not None else folder / REPORT_FILE
    if not folder.is_dir():
        raise RunError(f"{folder}: no such folder")
    if not out.parent.is_dir():
        raise RunError(f"{out}: the folder {out.parent} does not exist")
    collection = collect(folder)
    # Cache only during this report, since the files may change.
    load = lru_cache(maxsize=2)(partial(load_recorded_dataset, data_dir=data_dir))
    groups = make_groups(collection, models)
    pages = []
    rows = sum(len(group.rows) for group in groups)
    count = sum(len(group.entries) for group in groups)
    with show_progress("report", count, progress, unit="models") as advance, _collecting_new_garbage():
        for group in groups:
            for entry in group.entries:
                pages.append(make_page(entry, group, folder, out.parent, load, explore=explore, asked=asked))
                advance(1)
    failures = [(it, None if it.path is None else link_to(it.path, out.parent)) for it in collection.failures]
    environment = Environment(
        loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=_finalize,
    )  # fmt: skip
    template = environment.get_template("report.html.jinja")
    write_text(
        out, template.render(groups=groups, pages=pages, failures=failures, runs=len(collection.runs), models=rows)
    )
    return out
