"""Where images lie in the latent space: the plane of the map, the codes of images, and the palettes of codebooks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from zoo.autoencoder.model import AutoEncoder
from zoo.explorer.images import make_sheet
from zoo.explorer.weights import Blob
from zoo.plots import principal_plane
from zoo.samplers.sampler import Sampler
from zoo.shown import show

MOST_BYTES = 400_000  # Of the images' codes.
SLIDERS = 12
DRAWS = 256
PALETTE = 96  # Codes of a codebook that can be painted with.


def add_array(blob: Blob, array: np.ndarray, *, exact: bool = False) -> dict[str, Any]:
    """Add numbers to the blob, in half precision unless they must be exact; return where they are."""
    with np.errstate(over="ignore"):
        half = np.asarray(array, "float32").astype("float16")
    bytes_each, start = blob.add(array if exact or not np.isfinite(half).all() else half)
    return {"bytes": bytes_each, "start": start, "shape": list(array.shape)}


def find_plane(codes: np.ndarray) -> tuple[dict[str, Any], np.ndarray] | None:
    """Return the plane in which codes vary most, and the codes' places in it; None for one latent or equal codes.

    Args:
        codes: ``(n, latents)``.

    Returns:
        The plane has ``centre`` and ``axes``, by which a code is about ``centre + place @ axes``, and their names.
    """
    codes = codes.astype("float64")
    if codes.shape[1] < 2 or len(codes) < 3:
        return None
    points, names = principal_plane(codes)
    centre = codes.mean(axis=0) if codes.shape[1] > 2 else np.zeros(2)
    axes = np.eye(2)
    if codes.shape[1] > 2:
        squares = np.square(points).sum(axis=0)
        if not squares.min() > 0:
            return None
        axes = points.T @ (codes - centre) / squares[:, None]
    return {"centre": centre, "axes": axes, "names": list(names)}, points


def kl_per_latent(mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Return the KL divergence of each latent from the unit Gaussian, ``(latents,)``, nats, averaged over images."""
    mean, std = (it.reshape(len(it), -1).astype("float64") for it in (mean, std))
    found: np.ndarray = (0.5 * (mean**2 + std**2 - 1) - np.log(std)).mean(axis=0)
    return found


def find_codebooks(model: AutoEncoder) -> np.ndarray | None:
    """Return the codes that a model's latent is a map of, from its attribute ``codebook``, if any.

    Returns:
        ``(books, codes, d)``. If there are several books, the last axis but one of the latent is theirs.
    """
    codebook = getattr(model, "codebook", None)
    if codebook is None:
        return None
    found = np.asarray(codebook, "float32")
    if found.ndim == 2 and found.shape[1] == model.latent_shape[-1]:
        return found[None]
    stacked = found.ndim == 3 and (found.shape[0], found.shape[2]) == model.latent_shape[-2:]
    return found if stacked else None


def nearest(codebooks: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return the index of the nearest code of each vector ``(n, ..., d)``, in its book: ``(n, positions)``."""
    books, _, size = codebooks.shape
    flat = vectors.reshape(-1, books, size)
    found = [
        np.concatenate([
            (np.square(book).sum(axis=1) - 2 * part @ book.T).argmin(axis=1)
            for part in np.array_split(flat[:, number], max(1, len(flat) // 4096))
        ])
        for number, book in enumerate(codebooks)
    ]  # fmt: skip
    return np.stack(found, axis=1).reshape(len(vectors), -1)


def describe_codebooks(
    model: AutoEncoder, codebooks: np.ndarray, used: np.ndarray | None, blob: Blob
) -> dict[str, Any]:
    """Return the codebooks and their palettes: for each code, the middle of the image that has it everywhere.

    Beside a code of one book, that image has the most used ones of the others; of the first book, the one that is
    nearest to grey, since what is added to black or white is hardly seen.

    Args:
        model: the model.
        codebooks: ``(books, codes, d)``.
        used: the codes of images, ``(n, positions)``; the most frequent ones come first in the palettes.
        blob: gets the codebooks.
    """
    books, codes, _ = codebooks.shape
    found = np.zeros((0, books), int) if used is None else used.reshape(-1, books)
    counts = np.stack([np.bincount(own, minlength=codes) for own in found.T])
    palettes = np.argsort(-counts, axis=1, kind="stable")[:, :PALETTE]
    others, swatches = codebooks[np.arange(books), palettes[:, 0]], []
    for number, book in enumerate(codebooks):
        vectors = np.tile(others, (codes, 1, 1))
        vectors[:, number] = book
        swatches.append(_decode_everywhere(model, vectors))
        if number == 0:
            greys = swatches[0][palettes[0]].mean(axis=(1, 2, 3))
            others[0] = book[palettes[0][np.abs(greys - 0.5).argmin()]]
    return {
        "codes": add_array(blob, codebooks),
        "grid": list(_find_grid(model, books)),
        "palettes": palettes.tolist(),
        "swatches": make_sheet(np.concatenate(swatches), columns=32),
    }


def _decode_everywhere(model: AutoEncoder, vectors: np.ndarray) -> np.ndarray:
    """Return the middle of the images that have codes ``(n, books, d)`` at each place."""
    tall, wide = _find_grid(model, vectors.shape[1])
    images = model.decode(vectors[:, None].repeat(tall * wide, axis=1).reshape(-1, *model.latent_shape))
    height, width = model.image_shape[:2]
    high, broad = max(1, round(height / tall)), max(1, round(width / wide))
    top, left = (height - high) // 2, (width - broad) // 2
    return images[:, top : top + high, left : left + broad]


def _find_grid(model: AutoEncoder, books: int) -> tuple[int, int]:
    """Return height and width of the map; what is no map is a row."""
    grid = model.latent_shape[: -1 if books == 1 else -2]
    return (grid[0], grid[1]) if len(grid) == 2 else (1, math.prod(grid))


def describe_prior(model: AutoEncoder, codebooks: np.ndarray | None, blob: Blob) -> dict[str, Any]:
    """Return how the page draws z: unit Gaussians, equally likely codes, or from draws that it holds."""
    if codebooks is not None:
        return {"kind": "codes"}
    if type(model).draw_prior is AutoEncoder.draw_prior:
        return {"kind": "normal"}
    draws = model.draw_prior(_count_draws(model), np.random.default_rng(0))
    return {"kind": "draws", "draws": _add_draws(np.asarray(draws, "float32"), None, blob)}


def describe_samplers(
    model: AutoEncoder, samplers: Iterable[Sampler], codebooks: np.ndarray | None, blob: Blob
) -> list[dict[str, Any]]:
    """Return each sampler's name, and draws from it, from which the page chooses."""
    count = _count_draws(model)
    return [
        {"name": show(it.title), "draws": _add_draws(it.sample_latents(count, seed=0), codebooks, blob)}
        for it in samplers
    ]


def _count_draws(model: AutoEncoder) -> int:
    return max(1, min(DRAWS, MOST_BYTES // (2 * math.prod(model.latent_shape))))


def _add_draws(latents: np.ndarray, codebooks: np.ndarray | None, blob: Blob) -> dict[str, Any]:
    """Add latents ``(n, *latent_shape)``, or which codes they are."""
    if codebooks is not None:
        return add_array(blob, nearest(codebooks, latents), exact=True)
    return add_array(blob, latents.reshape(len(latents), -1))
