"""Models that compress images."""

import keras

import zoo

SHAPE = (8, 8, 1)


def make_model(seed=0, likelihood="discretized_logistic"):
    keras.utils.set_random_seed(seed)
    return zoo.create_model("small_cnn", image_shape=SHAPE, filters=[4], latent_dim=3, likelihood=likelihood, seed=seed)
