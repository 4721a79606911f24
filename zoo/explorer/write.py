"""``zoo.explore``: a page about a model, as a file and in a notebook."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from zoo.autoencoder.checks.weights import check_weights
from zoo.autoencoder.model import AutoEncoder
from zoo.errors import ExportError
from zoo.explorer.images import find_images
from zoo.explorer.page import make_page
from zoo.explorer.runtime import read_runtime
from zoo.files import write_text
from zoo.samplers.sampler import Sampler

RUNTIMES = ("own", "onnx")
SUFFIX = ".html"
HEIGHT = 900  # Pixels in a notebook.


@dataclass(frozen=True)
class Explored:
    """A page that was written; a notebook shows it.

    Attributes:
        path: the file.
        size: bytes.
    """

    path: Path
    size: int

    def _repr_html_(self) -> str:
        page = escape(self.path.read_text(encoding="utf-8"))
        style = f"width: 100%; height: {HEIGHT}px; border: 0"
        return f'<iframe srcdoc="{page}" title="{escape(self.path.name)}" style="{style}"></iframe>'


def explore(
    model: AutoEncoder,
    path: str | Path | None = None,
    data: Any = None,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    overwrite: bool = False,
    runtime: str = "own",
    runtime_file: str | Path | None = None,
    samplers: Iterable[Sampler] = (),
) -> Explored:
    """Write a page in which one explores a model's latent space: one HTML file, in which the model runs.

    Args:
        model: trained or not.
        path: the file to write, ending in ``.html``; by default a new one in the folder for temporary files.
        data: the images on its map, of which at most 2,000 are encoded and 40 shown: a ``zoo.Dataset`` (its test
            images), a ``zoo.Split`` or an array; by default the test images of the dataset that the model was trained
            on. If there are none, the page has no map.
        data_dir: the folder that has that dataset's files.
        seed: which images are taken.
        overwrite: whether to replace what is there.
        runtime: what runs the model in the page: ``own``, an interpreter that knows the usual operators; or ``onnx``,
            ONNX Runtime, which knows all and adds some 5 MB.
        runtime_file: ONNX Runtime for browsers: the file that ``npm pack onnxruntime-web`` makes.
        samplers: samplers of this model, as ``zoo.samplers.fit`` and ``load`` return them: the page draws from them,
            too. It holds 256 draws of each, or fewer if the latents are many.

    Returns:
        The file, which a notebook shows.

    Raises:
        ExportError: a package is missing, the model has an operator that the page does not compute, or the file
            exists or cannot be written.
        ValueError: an argument is not one of those above, a sampler is another model's, or a weight is not finite.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime is {runtime!r}: expected one of {', '.join(RUNTIMES)}")
    if (runtime == "onnx") is (runtime_file is None):
        raise ValueError(
            f"runtime is {runtime!r} and runtime_file is {runtime_file!r}: expected 'onnx' and the file that npm pack "
            "onnxruntime-web makes, or neither"
        )
    check_weights(model)
    samplers = list(samplers)
    for sampler in samplers:
        if sampler.model is not model:
            raise ValueError(f"{sampler!r} is of another model: expected samplers of the one that is explored")
    name = name_of(model)
    if path is None:
        path = Path(tempfile.mkdtemp(prefix="zoo-explore-"), f"{name.replace('/', '-')}{SUFFIX}")
    path = Path(path)
    if path.suffix != SUFFIX:
        raise ValueError(f"{path}: expected a name that ends in {SUFFIX}")
    if not path.parent.is_dir():
        raise ExportError(f"{path}: there is no folder {path.parent}: make it, or choose another")
    if path.exists() and not (overwrite and path.is_file()):
        raise ExportError(f"{path} exists: choose another name, or remove it")
    opened = None if runtime_file is None else read_runtime(Path(runtime_file))
    page = make_page(model, find_images(model, data, data_dir), name, seed, opened, samplers)
    try:
        write_text(path, page)
    except OSError as error:
        raise ExportError(f"{path}: cannot be written: {error.strerror or error}") from error
    return Explored(path, path.stat().st_size)


def name_of(model: AutoEncoder) -> str:
    """Return what a page calls a model: its preset, its architecture, or its name."""
    provenance = model.provenance or {}
    name = provenance.get("preset") or (provenance.get("encoder") or {}).get("architecture") or model.name
    return str(name)
