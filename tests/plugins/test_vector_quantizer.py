"""The layer that puts the nearest code in the place of a vector."""

import numpy as np
import pytest
from keras import ops
from support.gradients import gradients
from zoo.plugins.vq_cnn.quantizer import VectorQuantizer

random = np.random.default_rng(0)


def numpy(tensor):
    return ops.convert_to_numpy(tensor).astype("float64")


def nearest(vectors, codebook):
    """Return the nearest code's number in float64, by the definition."""
    return np.argmin(np.square(vectors[..., None, :] - codebook).sum(-1), axis=-1)


def make_quantizer(codes=5, size=3, **options):
    layer = VectorQuantizer(codes, seed=1, **options)
    layer.build((None, size))
    layer.codebook.assign(random.standard_normal((codes, size)))
    return layer


def test_a_vector_becomes_its_nearest_code():
    layer = make_quantizer(codes=40)
    vectors = random.standard_normal((7, 4, 3))
    codebook = numpy(layer.codebook)
    expected = nearest(vectors, codebook)
    np.testing.assert_array_equal(numpy(layer.indices(vectors)), expected)
    np.testing.assert_array_equal(numpy(layer(vectors)), codebook[expected])
    np.testing.assert_array_equal(numpy(layer.codebook), codebook)  # nothing is learned outside training


def test_the_gradient_goes_straight_through():
    layer = make_quantizer()
    weights = random.standard_normal((6, 3)).astype("float32")
    (gradient,) = gradients(lambda vectors: weights * layer(vectors), random.standard_normal((6, 3)))
    np.testing.assert_allclose(gradient, weights, rtol=1e-6)


def test_the_codebook_follows_its_vectors():
    layer = make_quantizer(decay=0.7, restart_below=0.01)
    codebook, sizes = numpy(layer.codebook), np.array([3.0, 1.0, 2.0, 1.0, 2.0])
    layer.sizes.assign(sizes)
    layer.sums.assign(codebook * sizes[:, None])
    sums = codebook * sizes[:, None]
    for step in range(3):
        vectors = np.random.default_rng(step).standard_normal((2, 10, 3))
        layer(vectors, training=True)
        flat = vectors.reshape(-1, 3)
        hot = np.eye(5)[nearest(flat, codebook)]
        sizes = 0.7 * sizes + 0.3 * hot.sum(axis=0)
        sums = 0.7 * sums + 0.3 * hot.T @ flat
        codebook = sums / sizes[:, None]
        np.testing.assert_allclose(numpy(layer.sizes), sizes, rtol=1e-5)
        np.testing.assert_allclose(numpy(layer.codebook), codebook, rtol=1e-4, atol=1e-6)
    layer.trainable = False
    layer(vectors, training=True)
    np.testing.assert_allclose(numpy(layer.codebook), codebook, rtol=1e-4, atol=1e-6)


def test_a_dead_code_begins_again_at_a_vector_of_the_batch():
    layer = make_quantizer(decay=0.5, restart_below=0.2)
    sizes = np.array([4.0, 0.1, 4.0, 4.0, 4.0])
    layer.sizes.assign(sizes)
    layer.sums.assign(numpy(layer.codebook) * sizes[:, None])
    before = numpy(layer.codebook)
    vectors = before[[0, 0, 2, 3, 4]] + 0.01
    layer(vectors, training=True)
    codebook, found = numpy(layer.codebook), numpy(layer.sizes)
    assert np.isclose(codebook[1], vectors, atol=1e-5).all(axis=1).any()
    np.testing.assert_allclose(np.delete(codebook, 1, axis=0), np.delete(before, 1, axis=0), atol=0.011)
    assert found[1] == pytest.approx((3 + 0.05 + 2.5 * 3) / 5)  # the average of all, its own 0.05 among them


def test_after_the_first_batch_every_code_is_a_vector():
    layer = VectorQuantizer(50, seed=1)
    vectors = 100 + random.standard_normal((30, 3))
    layer(vectors, training=True)
    distances = np.square(numpy(layer.codebook)[:, None] - vectors).sum(-1)
    assert (distances.min(axis=1) < 10).all()
    assert len(np.unique(numpy(layer.codebook), axis=0)) > 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"codes": 0}, "codes is 0: expected a whole number of at least 1"),
        ({"codes": 2.5}, r"codes is 2\.5: expected a whole number"),
        ({"commitment": -1.0}, r"commitment is -1\.0: expected a finite number of at least 0"),
        ({"decay": 1.0}, r"decay is 1\.0: expected a number from 0 to below 1"),
        ({"restart_below": 0.0}, r"restart_below is 0\.0: expected a number between 0 and 1"),
    ],
)
def test_options_that_are_refused(options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        VectorQuantizer(**options)
