"""Exporting a model: written under a temporary name, run by its own runtime, compared, and then kept."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.autoencoder.checks.labels import given_beside, values_of
from zoo.autoencoder.checks.weights import check_weights
from zoo.autoencoder.model import AutoEncoder
from zoo.data.load import load_dataset
from zoo.errors import DatasetError, ExportError, UnknownNameError
from zoo.exporting.formats import FORMATS, Format
from zoo.exporting.networks import INPUTS, PART_NAMES, WHOLE, ExportedNetwork
from zoo.exporting.reasons import explained
from zoo.version import __version__

TOLERANCE = 1e-4
_CHECKED = 32  # Images.


@dataclass(frozen=True)
class Exported:
    """What was exported.

    Attributes:
        path: the file, or the folder of a SavedModel.
        format: the format's name.
        part: what it computes.
        size: bytes.
        difference: the largest difference from the model's outputs that was seen.
        images: how many images were compared, or codes for a decoder.
        source: where these were from.
    """

    path: Path
    format: str
    part: str
    size: int
    difference: float
    images: int
    source: str


def export(
    model: AutoEncoder,
    path: str | Path | None = None,
    format: str = "onnx",
    *,
    part: str = WHOLE,
    batch: int | None = None,
    input: str = "float32",
    images: Any = None,
    tolerance: float = TOLERANCE,
    overwrite: bool = False,
    about: Mapping[str, Any] | None = None,
) -> Exported:
    """Write a model, or a part of it, for other programs, and check that they compute the same.

    Nothing in the file is random: an autoencoder reconstructs through the mean of z.

    Args:
        model: trained or not.
        path: the file to write, or the folder for ``saved_model``; by default ``<preset>-<part>`` with the format's
            suffix, in the working folder.
        format: ``onnx``, ``saved_model``, ``litert`` or ``torch``.
        part: ``encoder`` (images to mean and standard deviation of z), ``decoder`` (z to images) or ``autoencoder``
            (images to reconstructions). Images that come out are float32 in [0, 1].
        batch: the number of images at a time; None: any.
        input: the type of the images: ``float32`` in [0, 1], or ``uint8`` in 0..255.
        images: images to compare with, of which the first 32 are used; by default the test images of the dataset that
            the model was trained on or, where they are not there, noise. For a conditional model, with their labels.
        tolerance: the largest difference of any output that is allowed.
        overwrite: whether to replace what is there.
        about: scores, licence and the like, which the file records.

    Returns:
        The path, the size and the largest difference.

    Raises:
        ExportError: a package is missing or broken, the format cannot hold the model, what was written computes
            something else, or the path exists; nothing is left behind.
        ValueError: an argument is not one of those above.
    """
    chosen = _check(format, part, input, batch, tolerance)
    check_weights(model)
    target = Path(path) if path is not None else Path(_default_name(model, part) + chosen.suffix)
    _check_target(target, chosen, overwrite=overwrite)
    chosen.check()
    network = ExportedNetwork(model, part)
    given, source = _inputs(network, images, input)
    record = _describe(model, network, input, about or {})
    with _writing(target) as temporary:
        with explained(f"{chosen.title} cannot hold the {part} of {model.name}", "export"):
            chosen.write(network, temporary, batch, input, record)
        difference = _compare(chosen, network, temporary, given, batch)
        if not difference <= tolerance:
            raise ExportError(
                f"{chosen.title}: what was exported differs from the model by {difference:.1e}: expected at most "
                f"{tolerance:.1e}, which tolerance sets"
            )
    size = sum(it.stat().st_size for it in ([target] if target.is_file() else target.rglob("*")) if it.is_file())
    return Exported(target, format, part, size, difference, len(given[0]), source)


def _check(format: Any, part: Any, input: Any, batch: Any, tolerance: Any) -> Format:
    for name, value, choices in (
        ("format", format, tuple(FORMATS)), ("part", part, PART_NAMES), ("input", input, INPUTS),
    ):  # fmt: skip
        if value not in choices:
            raise ValueError(f"{name} is {value!r}: expected one of {', '.join(choices)}")
    if part == "decoder" and input != "float32":
        raise ValueError(f"input is {input!r}: the decoder takes z, which is float32")
    if batch is not None and (isinstance(batch, bool) or not isinstance(batch, int) or batch < 1):
        raise ValueError(f"batch is {batch!r}: expected a whole number of at least 1, or None for any")
    if not isinstance(tolerance, float | int) or not tolerance > 0:
        raise ValueError(f"tolerance is {tolerance!r}: expected a number above 0")
    return FORMATS[format]


def _default_name(model: AutoEncoder, part: str) -> str:
    provenance = model.provenance or {}
    name = provenance.get("preset") or (provenance.get("encoder") or {}).get("architecture") or "model"
    return f"{str(name).replace('/', '-')}-{part}"


def _check_target(target: Path, chosen: Format, *, overwrite: bool) -> None:
    if chosen.suffix and target.suffix != chosen.suffix:
        raise ValueError(f"{target}: expected a name that ends in {chosen.suffix}")
    if not target.parent.is_dir():
        raise ExportError(f"{target}: there is no folder {target.parent}: make it, or choose another")
    if target.exists() and not (overwrite and target.is_dir() is not bool(chosen.suffix)):
        raise ExportError(f"{target} exists: choose another name, or remove it")


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[Path]:
    """Yield a path beside the target that replaces it in the end; if an error is raised, nothing is left of it."""
    try:
        folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name[:40]}-"))
        try:
            temporary = folder / target.name
            yield temporary
            if target.is_dir():
                shutil.rmtree(target)
            temporary.replace(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise ExportError(f"{target}: cannot be written: {error.strerror or error}") from error


def _inputs(network: ExportedNetwork, images: Any, dtype: str) -> tuple[tuple[np.ndarray, ...], str]:
    """Return what the file is tried on, and where it is from."""
    model = network.model
    source = "the given images"
    if images is None:
        images, source = _find_images(model)
    inputs = model.check_array(images)[:_CHECKED]
    found, beside = values_of(inputs), given_beside(inputs)
    if found.dtype == np.uint8 and dtype == "float32":
        found = (found / np.float32(255)).astype("float32")
    elif found.dtype != np.uint8 and dtype == "uint8":
        found = np.rint(found * 255).astype("uint8")
    if network.part == "decoder":
        return (model.encode(found, *beside)[0].astype("float32"), *beside), f"codes of {source}"
    return (np.ascontiguousarray(found), *beside), source


def _find_images(model: AutoEncoder) -> tuple[Any, str]:
    trained_on = (model.provenance or {}).get("trained_on")
    for name in () if trained_on is None else (f"{trained_on}_sample", trained_on):  # The sample is there already.
        with contextlib.suppress(DatasetError, UnknownNameError, ValueError, TypeError):
            test = load_dataset(name).test
            if test.images.shape[1:] == model.image_shape:
                return test.limit(min(_CHECKED, len(test))), f"test images of {name}"
    noise = np.random.default_rng(0).random((_CHECKED, *model.image_shape), "float32")
    labels = np.arange(_CHECKED) % (model.classes or 1)
    return (noise, labels) if model.takes_labels else noise, "noise"


def _compare(
    chosen: Format, network: ExportedNetwork, path: Path, inputs: tuple[np.ndarray, ...], batch: int | None
) -> float:
    """Return the largest difference between what a file and the model compute."""
    largest, whole = 0.0, len(inputs[0])
    # Of any size: one alone and the others, which also shows draws that go on from call to call.
    bounds = sorted({0, 1, whole}) if batch is None else [*range(0, whole, batch), whole]
    for start, stop in itertools.pairwise(bounds):
        rows = np.minimum(np.arange(start, stop if batch is None else start + batch), whole - 1)
        part = tuple(it[rows] for it in inputs)
        expected = [keras.ops.convert_to_numpy(it) for it in network(*map(keras.ops.convert_to_tensor, part))]
        with explained(f"{chosen.title}: its runtime cannot run what was exported", "export"):
            got = chosen.run(path, part, network.output_names)
        shapes = [it.shape for it in got], [it.shape for it in expected]
        if shapes[0] != shapes[1]:
            raise ExportError(f"{chosen.title}: what was exported returns {shapes[0]}: expected {shapes[1]}")
        differences = (np.abs(a - b).max() for a, b in zip(got, expected, strict=True))
        largest = float(np.max([largest, *differences]))  # NaN if one is.
    return largest


def _describe(model: AutoEncoder, network: ExportedNetwork, input: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file says of itself."""
    provenance = model.provenance or {}
    labels = f"; labels, [], int32 from 0 to {(model.classes or 1) - 1}" if model.takes_labels else ""
    takes = f"z, {list(model.latent_shape)}, float32"
    if network.part != "decoder":
        scale = "uint8 in 0..255" if input == "uint8" else "float32 in [0, 1]"
        binarised = "" if model.binarization == "none" else "; binarised at one half inside"
        takes = f"images, {list(model.image_shape)}, {scale}{binarised}"
    return {
        "zoo": __version__,
        "name": provenance.get("preset") or _default_name(model, network.part),
        "part": network.part,
        "takes": takes + labels,
        "returns": list(network.output_names),
        "trained_on": provenance.get("trained_on"),
        "weights": provenance.get("weights"),
        **about,
    }
