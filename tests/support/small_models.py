"""A small model and images for it."""

import keras
import numpy as np

from zoo.autoencoder.model import AutoEncoder
from zoo.models import small_cnn

SHAPE = (8, 8, 1)
random = np.random.default_rng(0)
BYTES = random.integers(0, 256, (12, *SHAPE), np.uint8)
IMAGES = (BYTES / 255).astype("float32")


def make_parts(channels=1, image_channels=1, latent=3):
    keras.utils.set_random_seed(0)
    encoder = small_cnn.build_encoder((8, 8, image_channels), latent_shape=latent, filters=[4])
    return encoder, small_cnn.build_decoder(latent, (8, 8, channels), filters=[4])


def make_model(likelihood="bernoulli", binarization="none", channels=1, image_channels=1, latent=3, **settings):
    parts = make_parts(channels, image_channels, latent)
    model = AutoEncoder(*parts, likelihood, binarization, seed=1)
    model.compile(**settings)
    return model
