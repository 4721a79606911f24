"""Strided convolutions and residual blocks down to a map of codes; the decoder mirrors them with upsampling."""

import math
from typing import Any

import keras
from keras import layers
from zoo.plugins.vq_cnn.quantizer import VectorQuantizer
from zoo.plugins.vq_cnn.residual_quantizer import ResidualVectorQuantizer, SumOfCodes

from zoo.layers import UpsampleConv2D, halved_sizes

STAGES = 2  # The number of times the image is halved, unless the latent is a map of another size.


def _count_stages(shape: tuple[int, ...], latent_shape: tuple[int, ...]) -> tuple[int, bool]:
    """Return the number of halvings, and whether they lead from the image's size to that of the latent map."""
    if len(latent_shape) == 3:
        sizes = halved_sizes(shape, max(shape[:2]).bit_length())
        if latent_shape[:2] in sizes:
            return sizes.index(latent_shape[:2]), True
    return STAGES, False


def _block(x: Any) -> Any:
    width = x.shape[-1]
    branch = layers.Conv2D(max(1, width // 2), 3, padding="same", activation="relu")(layers.Activation("relu")(x))
    return layers.Add()([x, layers.Conv2D(width, 1)(branch)])


def build_vectors(
    image_shape: tuple[int, int, int], latent_shape: tuple[int, ...], width: int, blocks: int
) -> tuple[Any, Any]:
    """Return the images and what is quantised, of the latent's shape, as symbolic tensors.

    A latent that is no map of a halved size is computed by a dense layer.
    """
    stages, is_map = _count_stages(image_shape, latent_shape)
    inputs = keras.Input(image_shape, name="images")
    x = inputs
    for _ in range(stages):
        x = layers.Conv2D(width, 4, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2D(width, 3, padding="same")(x)
    for _ in range(blocks):
        x = _block(x)
    x = layers.Activation("relu")(x)
    # In float32, like everything that decides which code is nearest.
    if is_map:
        return inputs, layers.Conv2D(latent_shape[-1], 1, dtype="float32")(x)
    x = layers.Dense(math.prod(latent_shape), dtype="float32")(layers.Flatten()(x))
    return inputs, layers.Reshape(latent_shape, dtype="float32")(x)


def _shape_of_sums(latent_shape: tuple[int, ...], quantizers: int) -> tuple[int, ...]:
    """Return the shape of what is quantised, and of the sums of codes: without the axis of several quantisers."""
    if quantizers == 1:
        return latent_shape
    if len(latent_shape) < 2 or latent_shape[-2] != quantizers:
        raise ValueError(
            f"latent_shape is {latent_shape} and quantizers is {quantizers!r}: expected the last axis but one to have "
            "a place for each quantizer, as in (7, 7, 2, 16) for two"
        )
    return *latent_shape[:-2], latent_shape[-1]


def build_encoder(
    image_shape: tuple[int, int, int],
    latent_shape: tuple[int, ...],
    width: int,
    blocks: int,
    codes: int,
    quantizers: int,
    commitment: float,
    decay: float,
    restart_below: float,
) -> keras.Model:
    """Build the encoder, images -> z, a map of codes.

    The last axis of the latent holds a code, so ``(16,)`` is one code of 16 values. Several quantisers have the axis
    before it.
    """
    inputs, x = build_vectors(image_shape, _shape_of_sums(latent_shape, quantizers), width, blocks)
    options = (codes, commitment, decay, restart_below)
    quantizer = VectorQuantizer(*options) if quantizers == 1 else ResidualVectorQuantizer(quantizers, *options)
    return keras.Model(inputs, quantizer(x), name="vq_cnn_encoder")


def build_decoder(
    latent_shape: tuple[int, ...], output_shape: tuple[int, int, int], width: int, blocks: int, quantizers: int = 1
) -> keras.Model:
    """Build the decoder, z -> raw parameters of shape ``output_shape``, linear; it decodes the sum of several codes."""
    shape = _shape_of_sums(latent_shape, quantizers)
    stages, is_map = _count_stages(output_shape, shape)
    sizes = halved_sizes(output_shape, stages)
    inputs = keras.Input(latent_shape, name="latents")
    x = inputs if quantizers == 1 else SumOfCodes()(inputs)
    if not is_map:
        x = layers.Dense(math.prod(sizes[-1]) * width, activation="relu")(layers.Flatten()(x))
        x = layers.Reshape((*sizes[-1], width))(x)
    x = layers.Conv2D(width, 3, padding="same")(x)
    for _ in range(blocks):
        x = _block(x)
    x = layers.Activation("relu")(x)
    for stage in reversed(range(1, stages)):
        x = layers.Activation("relu")(UpsampleConv2D(width, sizes[stage])(x))
    last = UpsampleConv2D(output_shape[-1], sizes[0]) if stages else layers.Conv2D(output_shape[-1], 3, padding="same")
    return keras.Model(inputs, last(x), name="vq_cnn_decoder")
