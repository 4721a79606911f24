"""The pictures of one model: what it does with test images, and what its latents encode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup

from zoo.autoencoder.checks.labels import Inputs, given_beside, values_of
from zoo.autoencoder.hierarchical import HierarchicalAutoEncoder
from zoo.autoencoder.model import AutoEncoder
from zoo.data.dataset import Split
from zoo.evaluation.blocks import prepare
from zoo.notebooks import show_size
from zoo.plots import principal_plane
from zoo.plotted import choose_pairs
from zoo.report.charts import class_colours, draw_bars, draw_map
from zoo.report.pictures import Sheet, make_sheet
from zoo.report.samples import draw_samples
from zoo.samplers.sampler import Sampler

SHOWN = 10  # Test images, and images per row.
PATHS = 4
TRAVERSED = 8  # Latents shown as traversals.
STEPS = 9  # Images per traversal.
REACH = 3.0  # How far a traversal goes from 0, in standard deviations of the prior.
MOST_BARS = 2000
MAPPED = 1500  # Points on the map.


@dataclass
class Album:
    """The pictures of a model.

    Args:
        reconstructions: the originals, then the reconstructions; empty if there are no images.
        samples: images from the prior, then those by each sampler.
        sample_scores: the name of each of them, its scores and their intervals; empty if they are not scored.
        scored: what the scores are of.
        paths: interpolations, one row each.
        traversals: latent traversals, one row each.
        by_group: images with the upper groups of latents kept and those below drawn, one row each.
        bars: KL divergence by latent.
        map: a map of the posterior means.
        legend: the classes' colours (as CSS) and names.
        notes: reasons why pictures are missing.
    """

    reconstructions: list[Sheet] = field(default_factory=list)
    samples: list[Sheet] = field(default_factory=list)
    sample_scores: list[tuple[str, ...]] = field(default_factory=list)
    scored: str = ""
    paths: list[Sheet] = field(default_factory=list)
    traversals: list[Sheet] = field(default_factory=list)
    by_group: list[Sheet] = field(default_factory=list)
    bars: Markup | None = None
    map: Markup | None = None
    legend: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def make_album(
    model: AutoEncoder,
    split: Split | None,
    classes: Sequence[str],
    kl: Sequence[float] | None,
    name: str,
    samplers: Sequence[Sampler] = (),
) -> Album:
    """Draw a model's pictures.

    Args:
        model: the model.
        split: the test split; None if it is not available.
        classes: the classes' names.
        kl: the KL divergence of each latent, nats per image; None if the model has none.
        name: name of the page, used in the names of its figures.
        samplers: by which it draws samples, beside the prior.
    """
    album = Album(samples=draw_samples(model, samplers))
    few, names = ([], []) if split is None else _choose(split, classes)
    shown = None if split is None else model.check_array(split)[few]
    if split is not None and shown is not None:
        originals = values_of(prepare(model, shown, "threshold"))
        label = "original" if model.binarization == "none" else "binarized"
        listed = ", ".join(names) if names else f"{len(shown)} images"
        album.reconstructions = [
            make_sheet(originals, f"Test images: {listed}", label),
            make_sheet(model.reconstruct(shown), "The model's reconstructions of these images", "reconstruction"),
        ]
        album.paths = _interpolate(model, split, few, names)
    _draw_latents(album, model, shown, kl, name)
    if split is not None:
        _draw_plane(album, model, split, classes, name)
    return album


def draw_kl(kl: Sequence[float], name: str) -> Markup:
    """Draw the KL divergence of each latent, or of those where it is highest if there are too many for a chart."""
    label = f"Bars: KL divergence of {len(kl)} latents, from {max(kl):.2f} to {min(kl):.2f} nats per image"
    drawn, what = kl, "latent, sorted by KL divergence"
    if len(kl) > MOST_BARS:
        drawn, what = sorted(kl, reverse=True)[:MOST_BARS], f"the first {MOST_BARS:,} latents, sorted by KL divergence"
    return draw_bars(drawn, f"{name}-kl", "KL divergence, nats per image", what, label)


def _choose(split: Split, classes: Sequence[str]) -> tuple[list[int], list[str]]:
    """Return the numbers of the first image of each class, then of further ones, and the names of their classes."""
    _, first = np.unique(split.labels, return_index=True)
    few = list(dict.fromkeys([*first.tolist(), *range(len(split))]))[:SHOWN]
    if len(first) < 2:
        return few, []
    return few, [_class_name(classes, int(split.labels[index])) for index in few]


def _class_name(classes: Sequence[str], label: int) -> str:
    return classes[label] if label < len(classes) else str(label)


def _interpolate(model: AutoEncoder, split: Split, few: list[int], names: list[str]) -> list[Sheet]:
    if model.takes_labels:
        return _interpolate_within(model, split)
    shown = split.images[few]
    pairs = [(index, index + 1) for index in range(0, len(shown) - 1, 2)][:PATHS]
    sheets = []
    for start, end in pairs:
        images = model.interpolate(shown[start], shown[end], SHOWN)
        label = f"{names[start]} → {names[end]}" if names else ""
        alt = f"Interpolation in {SHOWN} images" + (f", from {names[start]} to {names[end]}" if names else "")
        sheets.append(make_sheet(images, alt, label))
    return sheets


def _interpolate_within(model: AutoEncoder, split: Split) -> list[Sheet]:
    """Return interpolations between images of the same class, since all of one have one label."""
    pairs = choose_pairs(model, split.images, split.labels, PATHS)
    if pairs is None:
        return []
    first, last, labels = pairs
    alt = f"Interpolation in {SHOWN} images between two of a class"
    return [make_sheet(images, alt) for images in model.interpolate(first, last, SHOWN, labels)]


def _draw_latents(
    album: Album, model: AutoEncoder, shown: Inputs | None, kl: Sequence[float] | None, name: str
) -> None:
    if model.posterior == "point":
        album.notes.append(
            "The posterior is a point, such as a map of codes, not a Gaussian: latents cannot be changed one by one, "
            "and the KL divergence cannot be split by latent. So there are no latent traversals and no chart by latent."
        )
        return
    size = math.prod(model.latent_shape)
    order = list(range(size))
    if kl is not None and len(kl) == size:
        album.bars = draw_kl(kl, name)
        order = sorted(order, key=lambda index: -kl[index])
    else:
        album.notes.append("The run's scores do not include the KL divergence by latent.")
    base = np.zeros(size, "float32") if shown is None else model.encode(shown[:1])[0].reshape(size)
    if isinstance(model, HierarchicalAutoEncoder):
        album.by_group = _draw_groups(model, base)
        return  # One of thousands of latents changes next to nothing.
    values = np.linspace(-REACH, REACH, STEPS)
    beside = [np.repeat(it[:1], STEPS) for it in given_beside(shown)]
    if model.takes_labels and not beside:
        beside = [np.zeros(STEPS, "int32")]
    for index in order[:TRAVERSED]:
        latents = np.repeat(base[None], STEPS, axis=0)
        latents[:, index] = values
        images = model.decode(latents.reshape(STEPS, *model.latent_shape), *beside)
        label = f"latent {index + 1}" + (f"\n{kl[index]:.1f} nats" if album.bars and kl else "")
        alt = f"{STEPS} images; latent {index + 1} goes from -{REACH:g} to {REACH:g}, all others are fixed"
        album.traversals.append(make_sheet(images, alt, label))


def _draw_groups(model: HierarchicalAutoEncoder, base: np.ndarray) -> list[Sheet]:
    """Return a row of images for each group: it and those above are kept, those below drawn from the prior."""
    drawn = model.draw_prior(STEPS, np.random.default_rng(0)).astype("float32")
    sheets = []
    for kept, start in enumerate([*(group.start for group in model.groups), len(base)]):
        latents = np.concatenate([np.repeat(base[None, :start], STEPS, axis=0), drawn[:, start:]], axis=1)
        size = "" if not kept else f"\n{show_size(model.groups[kept - 1].shape)}"
        alt = f"{STEPS} images; the upper {kept} of {len(model.groups)} groups are fixed, those below are drawn"
        sheets.append(make_sheet(model.decode(latents), alt, f"{kept} kept{size}"))
    return sheets


def _draw_plane(album: Album, model: AutoEncoder, split: Split, classes: Sequence[str], name: str) -> None:
    images, labels = model.check_array(split)[:MAPPED], split.labels[:MAPPED]
    if math.prod(model.latent_shape) < 2 or len(images) < 3:
        album.notes.append("A map of the latent space needs at least two latents and three images.")
        return
    points, axes = principal_plane(model.encode(images)[0].reshape(len(images), -1).astype("float64"))
    values = np.unique(labels)
    colours = class_colours(len(values))
    groups = [labels == value for value in values]
    what = f"Map: {len(images):,} test images by their posterior means, coloured by class ({len(values)})"
    album.map = draw_map(points, groups, colours, f"{name}-map", (*axes, what))
    if len(values) > 1:
        own = [f"var(--series-{index})" for index in range(len(values))] if len(values) <= 10 else colours
        album.legend = [(colour, _class_name(classes, int(value))) for colour, value in zip(own, values, strict=True)]
