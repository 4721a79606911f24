"""The architecture with finite scalar quantisation, as the zoo uses it."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo

SHAPE = (8, 6, 1)
IMAGES = np.random.default_rng(0).integers(0, 256, (12, *SHAPE), np.uint8)


def make_model(image_shape=SHAPE, **options):
    return zoo.create_model("fsq_cnn", image_shape=image_shape, seed=0, **{"width": 4, "levels": [3, 4], **options})


def test_the_bound_by_hand():
    model = make_model()
    z = model.encode(IMAGES)[0]
    assert z.shape == (12, 2, 2, 2)
    assert {tuple(it) for it in z.reshape(-1, 2)} <= {tuple(it) for it in model.codebook}
    expected = -ops.convert_to_numpy(model.likelihood.log_prob(IMAGES / np.float32(255), model.decoder(z)))
    reconstruction, kl = (ops.convert_to_numpy(it) for it in model.elbo_terms(IMAGES))
    np.testing.assert_allclose(reconstruction, expected, rtol=1e-5)
    np.testing.assert_allclose(kl, 4 * np.log(12), rtol=1e-6)
    # There is nothing else in the loss.
    logs = model.evaluate(IMAGES, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(logs["negative_elbo"], rel=1e-6)


def test_scores_and_samples():
    model = make_model()
    assert model.extra_scores() == {"code_perplexity": None, "code_rate_bits": None, "dead_codes": None}
    model.encoder.layers[-1].sizes.assign([2, 1, 1, *[0] * 9])
    scores = zoo.evaluate(model, IMAGES)
    assert scores["code_perplexity"] == pytest.approx(2**1.5)
    assert scores["code_rate_bits"] == pytest.approx(4 * 1.5)
    assert scores["dead_codes"] == 9
    drawn = model.draw_prior(6000, np.random.default_rng(1))
    counts = np.bincount(model.code_indices(drawn).ravel(), minlength=12)
    np.testing.assert_allclose(counts, 2000, atol=250)
    assert model.sample(2, seed=0).shape == (2, *SHAPE)


def test_the_latent_follows_the_levels_and_the_size():
    assert make_model((28, 28, 1), levels=[8, 5, 5]).latent_shape == (7, 7, 3)
    assert make_model((96, 80, 3), levels=[8, 5]).latent_shape == (12, 10, 2)
    longer = make_model((8, 8, 1), levels=[3, 4], latent_shape=(2, 2, 3))
    assert longer.quantizer.levels == [3, 4, 3]
    assert make_model((8, 8, 1), levels=[3, 4], latent_dim=1).quantizer.levels == [3]


def test_training_lowers_the_loss_and_uses_the_codes():
    images = zoo.load_dataset("mnist_sample", limit=256).train.images
    model = zoo.create_model("fsq_cnn/mnist_sample", width=16, levels=[5, 5], seed=0)
    model.compile(keras.optimizers.Adam(0.002))
    history = model.fit(images, epochs=10, batch_size=16, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert model.extra_scores()["code_perplexity"] > 4


def test_other_models_of_codes_say_what_they_need():
    encoder = zoo.models.fsq_cnn.build_encoder(SHAPE, width=4, levels=[3, 4])
    plain = keras.Model(encoder.input, encoder.layers[-1].input)
    decoder = zoo.models.fsq_cnn.build_decoder((2, 2, 2), (8, 6, 1), width=4)
    with pytest.raises(ValueError, match=r"expected a zoo\.layers\.Quantizer, such as FiniteScalarQuantizer"):
        zoo.QuantizedAutoEncoder(plain, decoder)
    assert zoo.QuantizedAutoEncoder(encoder, decoder).positions == 4
