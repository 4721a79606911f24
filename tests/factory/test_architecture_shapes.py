"""The built-in architectures build and reconstruct images of any size, number of channels and latent size."""

import numpy as np
import pytest

import zoo

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5))


@pytest.mark.parametrize("name", ["small_cnn", "deep_cnn", "residual"])
@pytest.mark.parametrize("examples", [pytest.param(2, id="few"), pytest.param(30, id="many", marks=pytest.mark.slow)])
def test_any_shape_is_reconstructed(name, examples, tmp_path):
    hypothesis.configuration.set_hypothesis_home_dir(tmp_path)

    @hypothesis.settings(max_examples=examples, deadline=None, database=None, derandomize=True)
    @hypothesis.given(SIZES, st.integers(1, 20), st.lists(st.integers(1, 6), min_size=1, max_size=5))
    @hypothesis.example((1, 1, 1), 1, [1, 1, 1, 1, 1])
    @hypothesis.example((31, 17, 2), 3, [4, 4, 4])
    def build(image_shape, latent_dim, filters):
        images = np.random.default_rng(0).random((2, *image_shape)).astype("float32")
        model = zoo.create_model(name, image_shape=image_shape, latent_dim=latent_dim, filters=filters, seed=0)
        mean, std = model.encode(images)
        assert mean.shape == std.shape == (2, latent_dim)
        assert (std > 0).all()
        reconstructions = model.reconstruct(images)
        assert reconstructions.shape == images.shape
        assert np.isfinite(reconstructions).all()

    build()
