"""Mathematical functions that Keras lacks, accurate in float32 and with finite gradients everywhere."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from zoo.typing import Tensor

# log(erfcx(z) / t) as a polynomial in u = 2 t - 1, t = 1 / (1 + z / 2), z >= 0: a Chebyshev fit of degree 11 to
# scipy.special.erfcx, largest error 1e-8. (erfcx(z) = exp(z^2) erfc(z).)
_LOG_ERFCX = (
    -6.717940917e-01,
    6.726431548e-01,
    4.734388761e-02,
    -4.689364056e-02,
    -9.880019324e-03,
    8.808825370e-03,
    1.794066250e-03,
    -2.288765240e-03,
    -2.279109661e-04,
    5.737663731e-04,
    8.000738189e-06,
    -8.728381062e-05,
)
_SMALL = 0.1
FLOAT16_LIMIT = 65504.0


def widen(values: Tensor) -> Tensor:
    """Return values as float32; for float16 values, the gradient is clipped to the range of float16."""
    if keras.backend.standardize_dtype(values.dtype) != "float16":
        return ops.cast(values, "float32")
    return _widen(values)


@ops.custom_gradient  # type: ignore[untyped-decorator]
def _widen(values: Tensor) -> Any:
    def gradient(*args: Any, upstream: Any = None) -> Tensor:
        (slope,) = args if upstream is None else (upstream,)
        return ops.cast(ops.clip(slope, -FLOAT16_LIMIT, FLOAT16_LIMIT), "float16")

    return ops.cast(values, "float32"), gradient


def log1mexp(x: Tensor) -> Tensor:
    """Return log(1 - exp(-x)) for x > 0 without cancellation (Maechler 2012, equation 7)."""
    small = x < math.log(2.0)
    return ops.where(
        small,
        ops.log(-ops.expm1(-ops.where(small, x, 1.0))),
        ops.log1p(-ops.exp(-ops.where(small, 1.0, x))),
    )


def log_erfcx(z: Tensor) -> Tensor:
    """Return log(exp(z^2) erfc(z)) for z >= 0."""
    t = 1.0 / (1.0 + 0.5 * z)
    u = 2.0 * t - 1.0
    value = _LOG_ERFCX[-1]
    for coefficient in reversed(_LOG_ERFCX[:-1]):
        value = value * u + coefficient
    return value + ops.log(t)


def log_normal_cdf(x: Tensor) -> Tensor:
    """Return the logarithm of the standard normal distribution function, accurate in both tails."""
    z = ops.abs(x) * math.sqrt(0.5)
    log_tail = log_erfcx(z) - 0.5 * ops.square(x) - math.log(2.0)
    return ops.where(x < 0, log_tail, ops.log1p(-ops.exp(ops.where(x < 0, -1.0, log_tail))))


def log_normal_interval(center: Tensor, width: Tensor) -> Tensor:
    """Return log(Phi(center + width / 2) - Phi(center - width / 2)) for the standard normal distribution.

    The mass is symmetric in the center, so it is computed on the negative side, where the tail has no cancellation.
    Intervals narrower than a tenth are integrated by expanding exp(-t^2 / 2) around the center, because there the
    distribution function is nearly equal at both ends.
    """
    center = -ops.abs(center)
    narrow = width < _SMALL
    return ops.where(
        narrow,
        _narrow_interval(center, ops.where(narrow, width, _SMALL)),
        _wide_interval(center, ops.where(narrow, _SMALL, width)),
    )


def _narrow_interval(center: Tensor, width: Tensor) -> Tensor:
    # The integral of exp(-c t - t^2/2) over |t| < w/2 is w sinh(u)/u (1 - E[t^2]/2 + ...), with u = c w / 2 and
    # E[t^2] = w^2/4 (1 - 2 (u coth u - 1) / u^2) under the weight exp(-c t).
    u = ops.abs(center) * width * 0.5
    near = u < 0.5
    safe = ops.where(near, 1.0, u)
    square = ops.square(ops.where(near, u, 0.0))
    log_sinhc = ops.where(
        near,
        square / 6.0 - ops.square(square) / 180.0 + square**3 / 2835.0,
        safe + log1mexp(2.0 * safe) - ops.log(2.0 * safe),
    )
    ratio = ops.where(
        near,
        1.0 / 3.0 - square / 45.0 + 2.0 * ops.square(square) / 945.0,
        (safe / ops.tanh(safe) - 1.0) / ops.square(safe),
    )
    second_moment = ops.square(width) * 0.25 * (1.0 - 2.0 * ratio)
    log_density = -0.5 * ops.square(center) - 0.5 * math.log(2.0 * math.pi)
    return log_density + ops.log(width) + log_sinhc + ops.log1p(-0.5 * second_moment)


def _wide_interval(center: Tensor, width: Tensor) -> Tensor:
    upper, lower = center + 0.5 * width, center - 0.5 * width
    straddles = upper > 0
    high = ops.where(straddles, 0.0, upper)
    # (lower^2 - high^2) / 2 as a product of the arguments: far out, the two ends are the same number in float32.
    gap = ops.where(straddles, 0.5 * ops.square(lower), -center * width)
    scaled_high, scaled_low = (log_erfcx(-x * math.sqrt(0.5)) for x in (high, lower))
    tail = scaled_high - 0.5 * ops.square(high) - math.log(2.0) + log1mexp(gap + scaled_high - scaled_low)
    across = ops.where(straddles, upper, 1.0)
    below = ops.where(straddles, lower, -1.0)
    middle = ops.log(0.5 * (ops.erf(across * math.sqrt(0.5)) - ops.erf(below * math.sqrt(0.5))))
    return ops.where(straddles, middle, tail)
