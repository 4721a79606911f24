"""A small model whose posterior is away from the prior, and images for it."""

import keras
import numpy as np

import zoo
from zoo.autoencoder.model import AutoEncoder
from zoo.layers import GaussianHead
from zoo.models import small_cnn

random = np.random.default_rng(0)
IMAGES = random.integers(0, 256, (24, 8, 8, 1), np.uint8)


def make_model(likelihood="discretized_logistic", binarization="none", spread=4, **settings):
    keras.utils.set_random_seed(1)
    channels = zoo.likelihoods.get(likelihood).output_channels(1)
    encoder = small_cnn.build_encoder((8, 8, 1), latent_shape=3, filters=[4])
    decoder = small_cnn.build_decoder(3, (8, 8, channels), filters=[4])
    head = next(layer for layer in encoder.layers if isinstance(layer, GaussianHead))
    head.set_weights([spread * weight for weight in head.get_weights()])  # a posterior away from the prior
    model = AutoEncoder(encoder, decoder, likelihood, binarization, seed=3)
    model.compile(**{"optimizer": keras.optimizers.SGD(0.0), **settings})
    return model
