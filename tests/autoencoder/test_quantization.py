"""Parts quantised after their first use."""

import keras
import numpy as np
import pytest
from support.small_models import IMAGES, SHAPE, make_model, make_parts

import zoo

pytestmark = pytest.mark.filterwarnings(
    "ignore:Layer .* does not have a `quantize` method", "ignore:Skipping variable loading for optimizer"
)


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_quantised_part_is_used_and_saved(part, tmp_path):
    model = make_model()
    model.fit(IMAGES, verbose=0)
    before = model.reconstruct(IMAGES)
    getattr(model, part).quantize("int8")
    after = model.reconstruct(IMAGES)
    assert 0 < np.abs(after - before).max() < 0.05
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0), after, atol=1e-6)
    model.save(tmp_path / "model.keras")
    again = zoo.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.reconstruct(IMAGES), after, atol=1e-6)
    assert any("int8" in weight.dtype for weight in getattr(again, part).weights)
    with pytest.raises(ValueError, match=r"call compile\(\.\.\.\) again before training"):
        model.fit(IMAGES, verbose=0)


@keras.saving.register_keras_serializable("test_quantization")
class Hidden(keras.layers.Layer):
    """A layer whose configuration says nothing of its inner layer."""

    def build(self, input_shape):
        self.dense = keras.layers.Dense(input_shape[-1])
        self.dense.build(input_shape)

    def call(self, x):
        return self.dense(x)


def test_quantised_layer_that_could_not_be_loaded_is_not_saved(tmp_path):
    encoder, decoder = make_parts()
    z = keras.Input(decoder.input_shape[1:])
    model = zoo.AutoEncoder(encoder, keras.Model(z, decoder(Hidden(name="hidden")(z))), seed=1)
    model.decoder.quantize("int8")
    with pytest.raises(ValueError, match=r"the layer hidden \(Hidden\) has layers of its own that were quantised"):
        model.save(tmp_path / "model.keras")
    assert not (tmp_path / "model.keras").exists()
    assert model.reconstruct(IMAGES).shape == (12, *SHAPE)
