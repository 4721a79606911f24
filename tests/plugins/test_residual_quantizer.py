"""The layer that quantises in stages, each what those before it have left."""

import numpy as np
import pytest
from keras import ops
from support.gradients import gradients
from zoo.plugins.vq_cnn.residual_quantizer import ResidualVectorQuantizer, SumOfCodes

random = np.random.default_rng(0)


def numpy(tensor):
    return ops.convert_to_numpy(tensor).astype("float64")


def quantise(vectors, codebooks):
    """Return indices and codes by the definition, in float64."""
    left, indices, codes = vectors, [], []
    for book in codebooks:
        indices.append(np.square(left[..., None, :] - book).sum(axis=-1).argmin(axis=-1))
        codes.append(book[indices[-1]])
        left = left - codes[-1]
    return np.stack(indices, axis=-1), np.stack(codes, axis=-2)


def make_quantizer(quantizers=3, codes=6, size=2, **options):
    layer = ResidualVectorQuantizer(quantizers, codes, seed=1, **options)
    layer.build((None, size))
    for number, stage in enumerate(layer.stages):
        stage.codebook.assign(random.standard_normal((codes, size)) / 2**number)
    return layer


def test_each_stage_quantises_what_is_left():
    layer, vectors = make_quantizer(), random.standard_normal((5, 4, 2))
    indices, codes = quantise(vectors, numpy(layer.codebook))
    found = numpy(layer(vectors))
    assert found.shape == layer.compute_output_shape((5, 4, 2)) == (5, 4, 3, 2)
    np.testing.assert_allclose(found, codes, rtol=1e-6)
    np.testing.assert_array_equal(numpy(layer.indices(found)), indices)
    np.testing.assert_array_equal(numpy(layer.indices(codes + 1e-5)), indices)
    np.testing.assert_allclose(numpy(SumOfCodes()(found)), codes.sum(axis=-2), rtol=1e-5)
    # With each stage less is left.
    left = [np.square(vectors - codes[..., :count, :].sum(axis=-2)).mean() for count in range(4)]
    assert left == sorted(left, reverse=True)


def test_the_gradient_goes_straight_through_the_sum():
    layer, weights = make_quantizer(), random.standard_normal((6, 2)).astype("float32")
    (gradient,) = gradients(
        lambda vectors: ops.sum(layer(vectors), axis=-2) * ops.array(weights), random.standard_normal((6, 2))
    )
    np.testing.assert_allclose(gradient, weights, rtol=1e-6)


def test_each_codebook_follows_what_is_left_for_it():
    layer = make_quantizer(quantizers=2, decay=0.5, restart_below=0.01)
    books, sizes = numpy(layer.codebook), np.array([[3.0, 1.0, 2.0, 1.0, 2.0, 1.0]] * 2)
    for stage, book, size in zip(layer.stages, books, sizes, strict=True):
        stage.sizes.assign(size)
        stage.sums.assign(book * size[:, None])
    vectors = random.standard_normal((40, 2))
    indices, codes = quantise(vectors, books)
    layer(vectors, training=True)
    hot = np.eye(6)[indices]
    left = np.stack([vectors, vectors - codes[:, 0]])
    expected = 0.5 * sizes + 0.5 * hot.sum(axis=0)
    sums = 0.5 * books * sizes[..., None] + 0.5 * np.einsum("nsk,snd->skd", hot, left)
    np.testing.assert_allclose(numpy(layer.codebook), sums / expected[..., None], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.usage(), expected / expected.sum(axis=1, keepdims=True), rtol=1e-5)


def test_its_arguments_make_it_again():
    layer = make_quantizer(commitment=2.0, decay=0.9, restart_below=0.1)
    again = ResidualVectorQuantizer.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert [(stage.codes, stage.decay, stage.restart_below) for stage in again.stages] == [(6, 0.9, 0.1)] * 3
    assert layer.usage() is None


@pytest.mark.parametrize("quantizers", [1, 65, 2.0])
def test_options_that_are_refused(quantizers):
    with pytest.raises(ValueError, match=f"^quantizers is {quantizers}: expected a whole number from 2 to 64"):
        ResidualVectorQuantizer(quantizers)
