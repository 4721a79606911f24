"""The networks of ``vq_cnn``, with rounding in place of a codebook."""

from collections.abc import Sequence

import keras
from zoo.plugins.vq_cnn.model import build_vectors

from zoo.layers import FiniteScalarQuantizer


def build_encoder(
    image_shape: tuple[int, int, int],
    latent_shape: tuple[int, ...],
    width: int,
    blocks: int,
    levels: Sequence[int],
    decay: float,
) -> keras.Model:
    """Build the encoder, images -> z, a map of codes; for another number of values the levels are repeated or cut."""
    inputs, x = build_vectors(image_shape, latent_shape, width, blocks)
    own = [levels[value % len(levels)] for value in range(latent_shape[-1])]
    return keras.Model(inputs, FiniteScalarQuantizer(own, decay)(x), name="fsq_cnn_encoder")
