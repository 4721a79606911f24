"""The quantiser that rounds, against the formulas of its paper in float64."""

import numpy as np
import pytest
from keras import ops
from support.gradients import gradients

from zoo.layers import FiniteScalarQuantizer

random = np.random.default_rng(0)
LEVELS = [2, 3, 8, 5]


def numpy(tensor):
    return ops.convert_to_numpy(tensor).astype("float64")


def bound(z, levels):
    """Mentzer et al. 2023, appendix A.1, with its epsilon."""
    levels = np.array(levels)
    half = (levels - 1) * (1 + 1e-3) / 2
    offset = np.where(levels % 2 == 1, 0.0, 0.5)
    return np.tanh(z + np.arctanh(offset / half)) * half - offset


def test_values_are_rounded_as_in_the_paper():
    layer, vectors = FiniteScalarQuantizer(LEVELS), random.standard_normal((50, 3, 4)) * 2
    found = numpy(layer(vectors.astype("float32")))
    expected = np.round(bound(vectors, LEVELS))
    np.testing.assert_allclose(found, expected / (np.array(LEVELS) // 2), atol=1e-7)
    along = np.linspace(-9, 9, 500, dtype="float32")[:, None].repeat(4, 1)
    assert [len(np.unique(values)) for values in numpy(layer(along)).T] == LEVELS


def test_each_code_has_one_index_and_comes_back():
    layer = FiniteScalarQuantizer(LEVELS)
    assert layer.codes == 240
    assert layer.codebook.shape == (240, 4)
    assert len(np.unique(layer.codebook, axis=0)) == 240
    np.testing.assert_array_equal(numpy(layer.indices(layer.codebook)), np.arange(240))
    codes = layer(random.standard_normal((40, 2, 4)).astype("float32"))
    np.testing.assert_array_equal(layer.codebook[numpy(layer.indices(codes)).astype(int)], numpy(codes))
    # Whatever is near, or beyond.
    near = layer.codebook + random.uniform(-0.1, 0.1, layer.codebook.shape)
    np.testing.assert_array_equal(numpy(layer.indices(near.astype("float32"))), np.arange(240))
    distances = np.square(np.array([[9.0, -9.0, 9.0, -9.0]]) - layer.codebook).sum(axis=1)
    assert int(layer.indices(np.array([[9.0, -9.0, 9.0, -9.0]], "float32"))[0]) == distances.argmin()


def test_the_gradient_is_that_of_the_bound():
    layer, z = FiniteScalarQuantizer([5, 8]), random.standard_normal((6, 2)).astype("float32")
    (found,) = gradients(layer, z)
    step, z = 1e-5, z.astype("float64")
    expected = (bound(z + step, [5, 8]) - bound(z - step, [5, 8])) / (2 * step) / np.array([2, 4])
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_codes_are_counted_in_training_alone():
    layer = FiniteScalarQuantizer([3, 2], decay=0.5)
    first, second = random.standard_normal((2, 30, 2)).astype("float32")
    layer(first)
    assert layer.usage() is None
    expected = np.zeros(6)
    for vectors in (first, second):
        codes = numpy(layer(vectors, training=True))
        counts = np.bincount(numpy(layer.indices(codes)).astype(int), minlength=6)
        expected = 0.5 * expected + 0.5 * counts
    np.testing.assert_allclose(layer.usage(), expected / expected.sum(), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"levels": []}, r"levels is \[\]: expected whole numbers from 2 to 1,024"),
        ({"levels": [8, 1]}, r"levels is \[8, 1\]: expected whole"),
        ({"levels": [8, 2.0]}, "expected whole numbers"),
        ({"levels": 8}, "levels is 8: expected whole"),
        ({"levels": [1000] * 3}, "1,000,000,000 codes; expected at most 1,048,576"),
        ({"decay": 1}, "decay is 1: expected a number from 0 to below 1"),
    ],
)
def test_options_out_of_range(options, said):
    with pytest.raises(ValueError, match=said):
        FiniteScalarQuantizer(**options)


def test_as_many_values_as_levels():
    with pytest.raises(ValueError, match=r"gets vectors of 2 values and has 3 levels \[8, 8, 8\]: expected equal"):
        FiniteScalarQuantizer()(np.zeros((1, 2), "float32"))
