"""Bottleneck blocks from the image up to a single position; the decoder goes down again, past groups of latents."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras import layers
from zoo.plugins.ladder import at_level, level_sizes
from zoo.plugins.ladder.layers import Bottleneck, BottleneckGroup, FromNoise, scaled

from zoo.layers import LearnedMap, UpsampleConv2D, halved_sizes


def _strided_sizes(shape: tuple[int, ...], stride: int) -> list[tuple[int, int]]:
    """Return the sizes from the image's to that of the first level."""
    if stride not in (1, 2, 4, 8):
        raise ValueError(f"stride is {stride!r}: expected 1, 2, 4 or 8")
    return halved_sizes(shape, stride.bit_length() - 1)


def _group_channels(
    sizes: Sequence[tuple[int, int]], groups: Sequence[int], latents: Sequence[int], total: int
) -> Iterator[tuple[int, int]]:
    """Yield the level and the latents per position of each group, from the top down.

    The group at the top takes what ``total`` has beyond that of the options.
    """
    given = [
        (level, at_level(latents, level))
        for level in reversed(range(len(sizes)))
        for _ in range(at_level(groups, level))
    ]
    rest = sum(sizes[level][0] * sizes[level][1] * channels for level, channels in given[1:])
    if not given or given[0][0] != len(sizes) - 1 or total <= rest:
        raise ValueError(
            f"the latent has {total} values, the groups below the one at the top {rest}: expected more, which are that "
            "group's; leave latent_dim and latent_shape out, and set latents and groups by level"
        )
    yield given[0][0], total - rest
    yield from given[1:]


def build_encoder(
    image_shape: tuple[int, int, int],
    latent_shape: tuple[int, ...],
    stride: int,
    widths: Sequence[int],
    blocks: int,
    dropout: float,
) -> keras.Model:
    """Build the encoder, images -> a feature map for each level, the largest first.

    Args:
        image_shape: ``(height, width, channels)``.
        latent_shape: not used: latents are drawn on the decoder's path.
        stride: by how much the largest level is smaller than the image: 1, 2, 4 or 8.
        widths: the channels of each level, the largest first; the last one is that of all further levels.
        blocks: residual blocks of each level.
        dropout: the share of the blocks' narrow values that training drops.
    """
    sizes = level_sizes(image_shape, stride)
    images = keras.Input(image_shape, name="images")
    x = layers.Rescaling(2.0, -1.0)(images)
    stages = len(_strided_sizes(image_shape, stride)) - 1
    for stage in range(max(1, stages)):
        x = layers.Activation("silu")(x) if stage else x
        kernel, strides = (5 if stage == 0 else 3, 2) if stages else (3, 1)
        x = layers.Conv2D(at_level(widths, 0), kernel, strides=strides, padding="same")(x)
    features = []
    for level, size in enumerate(sizes):
        width = at_level(widths, level)
        if level and size == (1, 1):
            x = layers.Conv2D(width, sizes[level - 1])(layers.Activation("silu")(x))
        elif level:
            x = layers.Conv2D(width, 3, strides=2, padding="same")(layers.Activation("silu")(x))
        for _ in range(blocks):
            x = _residual(x, 1.0 / (blocks * len(sizes)), dropout)
        features.append(x)
    return keras.Model(images, features, name="ladder_encoder")


def build_decoder(
    latent_shape: tuple[int, ...],
    output_shape: tuple[int, int, int],
    stride: int,
    widths: Sequence[int],
    groups: Sequence[int],
    latents: Sequence[int],
    blocks: int,
    dropout: float,
) -> keras.Model:
    """Build the decoder, flat latents -> raw parameters of shape ``output_shape``, linear.

    Args:
        latent_shape: ``(n,)``, the latents of all groups; those at the top are as many as the others leave.
        output_shape: ``(height, width, channels)``.
        stride: as for the encoder.
        widths: likewise.
        groups: the groups of latents of each level, the largest first, as ``widths`` are.
        latents: the latents at each position of a group, by level.
        blocks: residual blocks after the last group.
        dropout: as for the encoder.
    """
    sizes, strided = level_sizes(output_shape, stride), _strided_sizes(output_shape, stride)
    if len(latent_shape) != 1:
        raise ValueError(f"latent_shape is {latent_shape}: expected one number, of the latents of all groups")
    plan = list(_group_channels(sizes, groups, latents, latent_shape[0]))
    inputs = keras.Input(latent_shape, name="latents")
    variance, start, above = 1.0 / len(plan), 0, len(sizes) - 1
    state = LearnedMap((*sizes[above], at_level(widths, above)))(inputs)
    for level, channels in plan:
        while above > level:
            above -= 1
            state = _enlarge(state, sizes[above], at_level(widths, above))
        state = _add_group(inputs, state, start, channels, level, variance, dropout)
        start += sizes[level][0] * sizes[level][1] * channels
    while above > 0:
        above -= 1
        state = _enlarge(state, sizes[above], at_level(widths, above))
    for _ in range(blocks):
        state = _residual(state, 1.0 / blocks, dropout)
    x = layers.Activation("silu")(state)
    for size in reversed(strided[1:-1]):
        x = layers.Activation("silu")(UpsampleConv2D(at_level(widths, 0), size)(x))
    small, channels = scaled(0.01), output_shape[-1]  # The initial outputs are near mid-grey.
    if stride > 1:
        x = UpsampleConv2D(channels, strided[0], kernel_initializer=small)(x)
    else:
        x = layers.Conv2D(channels, 3, padding="same", kernel_initializer=small)(x)
    return keras.Model(inputs, x, name="ladder_decoder")


def _residual(x: Any, variance: float, dropout: float) -> Any:
    width = x.shape[-1]
    return Bottleneck(width, max(1, width // 2), variance, residual=True, dropout=dropout)(x)


def _add_group(inputs: Any, state: Any, start: int, channels: int, level: int, variance: float, dropout: float) -> Any:
    """Add a group of latents to the path: the state goes on past it, with what the prior's network and z add."""
    width = state.shape[-1]
    narrow = max(1, width // 2)
    shape = (*state.shape[1:-1], channels)
    prior = Bottleneck(2 * channels + width, narrow, 0.0)(state)
    # The features of a level are as wide as its state.
    noise = BottleneckGroup(start, shape, state.shape[1:], source=level, width=narrow)(inputs, state)
    z, more = FromNoise()(prior, noise)
    z = layers.Conv2D(width, 1, kernel_initializer=scaled(variance))(z)
    return _residual(layers.Add()([state, more, z]), variance, dropout)


def _enlarge(state: Any, size: tuple[int, int], width: int) -> Any:
    """Bring the state to the size and the width of the level below: repeated pixels, and a learned map."""
    if state.shape[-1] != width:
        state = layers.Conv2D(width, 1)(state)
    factors = tuple(-(-to // was) for to, was in zip(size, state.shape[1:3], strict=True))
    state = layers.UpSampling2D(factors)(state)
    if tuple(state.shape[1:3]) != size:
        state = layers.Cropping2D(((0, state.shape[1] - size[0]), (0, state.shape[2] - size[1])))(state)
    return layers.Add()([state, LearnedMap((*size, width))(state)])
