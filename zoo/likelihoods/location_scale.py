"""Location and scale of a value's density from a decoder's raw output, shared by the likelihoods that use them."""

from __future__ import annotations

from keras import ops

from zoo.typing import Tensor

# exp(-7) is 0.23 of a grey level: no single value can take all the mass, so a flat background cannot drive the scale
# to zero. exp(1) is wider than all grey levels together; without an upper bound, location and scale of a flat
# background diverge together. A raw output of zero means a scale of exp(-2), about the spread of pixel values.
MIN_LOG_SCALE, MAX_LOG_SCALE, START_LOG_SCALE = -7.0, 1.0, -2.0
MID_LOG_SCALE, HALF_RANGE = (MIN_LOG_SCALE + MAX_LOG_SCALE) / 2, (MAX_LOG_SCALE - MIN_LOG_SCALE) / 2
START = (START_LOG_SCALE - MID_LOG_SCALE) / HALF_RANGE


def log_scale(raw: Tensor) -> Tensor:
    """Return the logarithm of the scale, within (-7, 1); both bounds are approached slowly.

    An output that has overshot therefore still has a gradient to bring it back.
    """
    turned = raw / HALF_RANGE + START / (1.0 - START)
    return MID_LOG_SCALE + HALF_RANGE * turned / (1.0 + ops.abs(turned))


def split_location_and_log_scale(parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Return the locations, counted from mid-grey (0.5), and the logarithms of the scales.

    Args:
        parameters: ``(batch, height, width, 2 * channels)``: locations, then raw log-scales.

    Returns:
        Two tensors ``(batch, height, width, channels)``, float32.
    """
    location, raw = ops.split(ops.cast(parameters, "float32"), 2, axis=-1)
    return location, log_scale(raw)
