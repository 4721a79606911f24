"""What a page knows of a model: its networks, its images and where they lie, as plain JSON and one blob."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from zoo.autoencoder.hierarchical import HierarchicalAutoEncoder
from zoo.autoencoder.model import AutoEncoder
from zoo.explorer.codes import (
    MOST_BYTES,
    SLIDERS,
    add_array,
    describe_codebooks,
    describe_prior,
    describe_samplers,
    find_codebooks,
    find_plane,
    kl_per_latent,
    nearest,
)
from zoo.explorer.graph import make_graph, make_onnx_graph
from zoo.explorer.images import SHOWN, Images, choose, make_sheet
from zoo.explorer.networks import DECODE, ENCODE, PageNetwork
from zoo.explorer.weights import Blob
from zoo.likelihoods import LIKELIHOODS
from zoo.likelihoods.likelihood import Likelihood
from zoo.samplers.sampler import Sampler
from zoo.shown import show

TRIED = 16  # Inputs on which half precision is tried.
MAPPED = 2000


def describe(
    model: AutoEncoder,
    found: Images | None,
    seed: int = 0,
    *,
    samplers: Iterable[Sampler] = (),
    as_onnx: bool = False,
) -> tuple[dict[str, Any], Blob]:
    """Return what the page's scripts read, and the blob with its arrays.

    Args:
        model: the model.
        found: images; None for a page without any.
        seed: which of them are shown.
        samplers: what the page draws from beside the prior.
        as_onnx: leave the networks to ONNX Runtime.

    Raises:
        ExportError: the page cannot compute one of the model's networks.
    """
    blob = Blob()
    codebooks = find_codebooks(model)
    content: dict[str, Any] = {
        "image": list(model.image_shape),
        "latent": list(model.latent_shape),
        "posterior": model.posterior,
        "binarized": model.binarization != "none",
        "likelihood": _describe_likelihood(model.likelihood, model.binarization),
        "prior": describe_prior(model, codebooks, blob),
        "samplers": describe_samplers(model, samplers, codebooks, blob),
        "groups": [],
        "images": None,
        "sliders": [],
        "map": None,
        "codebook": None,
    }
    if isinstance(model, HierarchicalAutoEncoder):
        content["groups"] = [[group.start, group.size, list(group.shape)] for group in model.groups]
    tried_images = np.random.default_rng(seed).random((TRIED, *model.image_shape), "float32")
    used = None
    if found is not None:
        chosen = choose(found, MAPPED, seed)
        tried_images = chosen.images[:TRIED]
        used = _add_images(model, chosen, codebooks, content, blob)
    if codebooks is not None:
        content["codebook"] = describe_codebooks(model, codebooks, used, blob)
    tried = {DECODE: _try_codes(model, tried_images), ENCODE: _as_floats(tried_images)}
    z = tried[DECODE][-1:]
    content["check"] = {"z": add_array(blob, z), "image": add_array(blob, model.decode(z))}
    content["graphs"] = {
        part: make_onnx_graph(network, blob) if as_onnx else make_graph(network, tried[part], blob)
        for part, network in ((part, PageNetwork(model, part)) for part in tried)
    }
    return content, blob


def _as_floats(images: np.ndarray) -> np.ndarray:
    return images.astype("float32") / 255 if images.dtype == np.uint8 else images.astype("float32")


def _try_codes(model: AutoEncoder, images: np.ndarray) -> np.ndarray:
    drawn = model.draw_prior(TRIED, np.random.default_rng(0))
    return np.concatenate([model.encode(images)[0], np.asarray(drawn, "float32")])


def _describe_likelihood(likelihood: Likelihood, binarization: str) -> dict[str, Any]:
    name = next((name for name, it in LIKELIHOODS.items() if it is type(likelihood)), None)
    known = likelihood.support is not None and (likelihood.support != "binary" or binarization != "none")
    return {
        "name": name,
        "title": likelihood.identifier,
        "components": getattr(likelihood, "components", None),
        "proper": known,
        "bytes": likelihood.support == "bytes",
    }


def _add_images(
    model: AutoEncoder, chosen: Images, codebooks: np.ndarray | None, content: dict[str, Any], blob: Blob
) -> np.ndarray | None:
    """Add images, their codes and the map; return which codes of the codebooks they have."""
    mean, std = model.encode(chosen.images)
    codes = mean.reshape(len(mean), -1)
    used = None if codebooks is None else nearest(codebooks, mean)
    kept = codes if used is None else used
    count = max(min(SHOWN, len(codes)), min(len(codes), MOST_BYTES // (2 * kept.shape[1])))
    content["images"] = {
        "source": chosen.source,
        "total": len(codes),
        "codes": add_array(blob, kept[:count], exact=used is not None),
        "sheet": make_sheet(chosen.images[:SHOWN], columns=8),
        "classes": [],
        "labels": None,
    }
    if chosen.labels is not None:
        values, places = np.unique(chosen.labels, return_inverse=True)
        classes = chosen.classes
        names = [classes[value] if value < len(classes) else str(value) for value in values.tolist()]
        content["images"] |= {"classes": [show(name) for name in names], "labels": add_array(blob, places)}
    if model.posterior != "point":
        kl = kl_per_latent(mean, std)
        content["sliders"] = [[int(latent), round(float(kl[latent]), 3)] for latent in np.argsort(-kl)[:SLIDERS]]
    found = find_plane(codes)
    if found is not None:
        plane, points = found
        content["map"] = {
            "points": add_array(blob, points),
            "centre": add_array(blob, plane["centre"]),
            "axes": add_array(blob, plane["axes"]),
            "names": plane["names"],
            "others": math.prod(model.latent_shape) > 2,
        }
    return used
