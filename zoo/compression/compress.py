"""``zoo.compress``: images to a file, which is decoded again before it is kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops

from zoo.autoencoder.checks.labels import refuse_conditional
from zoo.autoencoder.checks.weights import check_weights
from zoo.autoencoder.model import AutoEncoder
from zoo.compression.coding import Coded, ImageCoder, hash_images
from zoo.compression.container import FORMAT, MOST_BATCH, Header, write_file
from zoo.compression.fingerprint import describe_machine, describe_weights, name_of
from zoo.compression.grid import LEAST_BITS, MOST_BITS
from zoo.compression.stack import check_installed
from zoo.errors import CompressionError
from zoo.progress import show_progress

LATENT_BITS = 12
_LATENTS, _MOST_AT_ONCE = 1024, 16  # Of a batch by default: its latents are what the initial bits are for.
_NEAR = 1e-3  # How far from a whole level a float may be.


@dataclass(frozen=True)
class Compressed:
    """A file of compressed images, and how many bits they take.

    Attributes:
        path: the file.
        size: its bytes.
        images: the number of images.
        values: the number of values of an image, pixels times channels.
        bits: those that the images take in the file, without the initial ones and the header.
        initial_bits: random ones that bits-back coding starts with; they are in the file too.
        computed_bits: what the model says that the images take: the negative ELBO at the same z.
        seconds: what coding took, without the check.
    """

    path: Path
    size: int
    images: int
    values: int
    bits: int
    initial_bits: int
    computed_bits: float
    seconds: float

    @property
    def bits_per_dim(self) -> float:
        """The bits of each value of an image, measured."""
        return self.bits / (self.images * self.values)

    @property
    def computed_bits_per_dim(self) -> float:
        """The bits of each value of an image, computed."""
        return self.computed_bits / (self.images * self.values)


def compress(
    model: AutoEncoder,
    images: Any,
    path: str | Path,
    *,
    binarize: bool = False,
    batch: int | None = None,
    latent_bits: int = LATENT_BITS,
    check: bool = True,
    overwrite: bool = False,
    progress: bool = False,
) -> Compressed:
    """Write images to a file without loss, in as many bits as a model says.

    A Gaussian posterior, also of a hierarchical model, is coded by bits-back coding with asymmetric numeral systems
    (Townsend et al. 2019): latents are drawn with bits that are on the stack already and come back when they are
    restored, so that an image takes -log2 p(x|z) - log2 p(z) + log2 q(z|x) bits, on average the negative ELBO. The
    codes of a quantised model are written as they are.

    ``zoo.decompress`` needs the same model, and numbers of its networks that are equal to the last bit: the same
    versions of the packages on a machine of the same kind. Otherwise it says so; it never returns other images.

    Args:
        model: trained or not, with a likelihood of 0 and 1 or of 256 levels.
        images: ``(n, H, W, C)``, uint8 in 0..255 or float in [0, 1] at such levels; or a ``zoo.Split``.
        path: the file to write.
        binarize: write the zeros and ones that the model makes of grey images for evaluation, instead of refusing
            them; that is a loss.
        batch: how many images the networks see at a time, 1 to 4,096; by default as many as have about 1,000 latents
            together, at most 16. More are faster, and take more initial bits.
        latent_bits: the bits of the buckets that a latent is rounded to, 6 to 16. More are finer, and take more
            initial bits.
        check: decode the file again before it is kept, which takes as long as coding.
        overwrite: whether to replace a file.
        progress: show progress on stderr.

    Returns:
        The file, with the bits measured and computed.

    Raises:
        CompressionError: the model has no code for such images, ``constriction`` is not installed, the networks do not
            give the same numbers twice, or the file exists; nothing is left behind.
        ValueError: images that the model does not accept or that are not at 256 levels, or an argument out of range.
    """
    check_installed()
    target = Path(path)
    _check_target(target, overwrite=overwrite)
    _check_whole("latent_bits", latent_bits, LEAST_BITS, MOST_BITS)
    latents = int(np.prod(model.latent_shape))
    batch = max(1, min(_MOST_AT_ONCE, _LATENTS // latents)) if batch is None else batch
    _check_whole("batch", batch, 1, MOST_BATCH)
    refuse_conditional(model, "compression", CompressionError)
    check_weights(model)
    coder = ImageCoder(model, batch, latent_bits)
    levels = _as_levels(model, model.check_array(images), binarize=binarize)
    start = time.perf_counter()
    with show_progress("compressing", len(levels), progress) as advance:
        coded = coder.encode(levels, advance)
    seconds = time.perf_counter() - start
    if check:
        _check_coded(coder, coded, levels, progress)
    size = write_file(target, _describe(model, coder, coded, levels, latent_bits), coded.words)
    values = levels[0].size
    initial = coded.initial_words * 32
    return Compressed(target, size, len(levels), values, coded.bits, initial, coded.computed_bits, seconds)


def _describe(
    model: AutoEncoder, coder: ImageCoder, coded: Coded, levels: npt.NDArray[np.uint8], latent_bits: int
) -> Header:
    machine: Mapping[str, str] = describe_machine()
    return Header(
        format=FORMAT,
        model=name_of(model),
        weights=describe_weights(model),
        likelihood=model.likelihood.identifier,
        image_shape=model.image_shape,
        images=len(levels),
        batch=coder.networks.batch,
        latent_bits=latent_bits,
        initial_words=coded.initial_words,
        sha256=hash_images(levels),
        written_with=machine,
    )


def _check_coded(coder: ImageCoder, coded: Coded, levels: npt.NDArray[np.uint8], progress: bool) -> None:
    with show_progress("checking", len(levels), progress) as advance:
        again = coder.decode(coded.words, len(levels), advance)
    if not np.array_equal(again, levels):
        raise CompressionError(
            "the images do not come back as they were, since the networks do not give the same numbers twice: a layer "
            "that draws, or a backend that is not deterministic (tf.config.experimental.enable_op_determinism)"
        )


def _check_target(target: Path, *, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise CompressionError(f"{target}: there is no folder {target.parent}: make it, or choose another")
    if target.is_dir() or (target.exists() and not overwrite):
        raise CompressionError(f"{target} exists: choose another name, or remove it")


def _check_whole(name: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}: expected a whole number from {least} to {most:,}")


def _as_levels(model: AutoEncoder, images: np.ndarray, *, binarize: bool) -> npt.NDArray[np.uint8]:
    """Return images as uint8, such that neither rounding nor the model's input stage would change them."""
    binary = model.binarization != "none" or model.likelihood.support == "binary"
    if binarize and model.binarization != "none":
        drawn = ops.convert_to_numpy(model.prepare(images, draw="fixed"))
        return np.asarray(drawn * 255, np.uint8)
    if images.dtype == np.uint8:
        levels = np.asarray(images)
    else:
        scaled = np.asarray(images, np.float64) * 255
        levels = np.rint(scaled).astype(np.uint8)
        if np.abs(scaled - levels).max() > _NEAR:
            raise ValueError("images: got values between the 256 levels k / 255, which no file holds: round them")
    if binary and not ((levels == 0) | (levels == 255)).all():
        way_out = (
            "pass binarize=True (--binarize) to write zeros and ones"
            if model.binarization != "none"
            else "threshold them"
        )
        raise ValueError(
            f"images: got grey levels, and the model codes the values 0 and 255 alone: {way_out}, or use a model of "
            "grey images"
        )
    return levels
