import numpy as np
import pytest
from keras import ops
from scipy import special as scipy_special
from support.gradients import gradients

from zoo.likelihoods.special_functions import log1mexp, log_erfcx, log_normal_cdf, log_normal_interval

CENTERS = np.concatenate([[0.0], np.geomspace(1e-6, 1e5, 60)])
WIDTHS = np.concatenate([np.geomspace(1e-5, 50.0, 60), [0.0999999, 0.1, 0.1000001]])


def compute(function, *arguments):
    return ops.convert_to_numpy(function(*(ops.convert_to_tensor(a, "float32") for a in arguments))).astype("float64")


def reference_interval(center, width):
    """Return log(Phi(c + w/2) - Phi(c - w/2)) in float64: on the negative side, as a ratio of the two tails."""
    upper, lower = -np.abs(center) + 0.5 * width, -np.abs(center) - 0.5 * width
    high, low = scipy_special.log_ndtr(upper), scipy_special.log_ndtr(lower)
    return high + np.log(-np.expm1(low - high))


def integrate_interval(center, width):
    """Return the same by Gauss-Legendre quadrature, sharing nothing with the formula above."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    points = center + 0.5 * width * nodes
    return scipy_special.logsumexp(-0.5 * points**2 - 0.5 * np.log(2 * np.pi), b=0.5 * width * weights)


@pytest.mark.parametrize(("center", "width"), [(0.0, 1.0), (0.3, 1e-3), (4.0, 2.0), (30.0, 0.5), (6.0, 12.5)])
def test_reference_agrees_with_quadrature(center, width):
    np.testing.assert_allclose(reference_interval(center, width), integrate_interval(center, width), rtol=1e-9)


@pytest.mark.parametrize("sign", [1, -1])
def test_log_normal_interval_matches_scipy(sign):
    center, width = (grid.astype("float32") for grid in np.meshgrid(sign * CENTERS, WIDTHS))
    found = compute(log_normal_interval, center, width)
    expected = reference_interval(center.astype("float64"), width.astype("float64"))
    # Absolute for masses near one, where the logarithm is near zero: float32 has seven digits of the mass.
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2e-6)


def test_log_normal_interval_is_continuous_where_the_two_formulas_meet():
    center = np.linspace(-20, 20, 401, dtype="float32")
    below, above = (compute(log_normal_interval, center, np.full_like(center, w)) for w in (0.0999999, 0.1000001))
    # The widths differ by a factor of 1 + 2e-6, which a mass c away from the center feels c * w / 2 times as much.
    np.testing.assert_allclose(below, above, rtol=2e-6, atol=1e-5)


def test_log_normal_cdf_matches_scipy_in_both_tails():
    x = np.concatenate([-CENTERS, CENTERS, np.linspace(-12, 12, 1001)]).astype("float32")
    expected = scipy_special.log_ndtr(x.astype("float64"))
    found = compute(log_normal_cdf, x)
    np.testing.assert_allclose(found[x <= 0], expected[x <= 0], rtol=2e-6)
    # Above zero the logarithm is minus a tail that can be smaller than float32 has: absolute there.
    np.testing.assert_allclose(found[x > 0], expected[x > 0], rtol=2e-5, atol=1e-12)


def test_log_erfcx_matches_scipy():
    z = np.concatenate([np.linspace(0, 10, 500), np.geomspace(10, 1e6, 100)]).astype("float32")
    expected = np.log(scipy_special.erfcx(z.astype("float64")))
    np.testing.assert_allclose(compute(log_erfcx, z), expected, rtol=1e-6, atol=2e-7)


def test_log1mexp_matches_float64():
    x = np.geomspace(1e-10, 80.0, 400).astype("float32")
    exact = x.astype("float64")
    expected = np.where(exact < 1, np.log(-np.expm1(-exact)), np.log1p(-np.exp(-exact)))
    np.testing.assert_allclose(compute(log1mexp, x), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("function", [log1mexp, log_normal_cdf, log_normal_interval])
def test_gradients_are_finite_and_right(function):
    center, width = (grid.astype("float32") for grid in np.meshgrid(np.concatenate([-CENTERS, CENTERS]), WIDTHS))
    arguments = {log1mexp: [width], log_normal_cdf: [center]}.get(function, [center, width])
    for gradient in gradients(function, *arguments):
        assert np.isfinite(gradient).all()


def test_gradient_of_log_normal_cdf_is_the_inverse_mills_ratio():
    x = np.linspace(-30, 5, 200, dtype="float32")
    exact = x.astype("float64")
    expected = np.exp(-0.5 * exact**2 - 0.5 * np.log(2 * np.pi) - scipy_special.log_ndtr(exact))
    np.testing.assert_allclose(gradients(log_normal_cdf, x)[0], expected, rtol=2e-4)
