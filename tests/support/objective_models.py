"""A small compiled model with a posterior away from the prior, and images for it."""

import keras
import numpy as np

from zoo import likelihoods
from zoo.autoencoder.model import AutoEncoder
from zoo.layers import GaussianHead
from zoo.models import small_cnn

random = np.random.default_rng(0)
BYTES = random.integers(0, 256, (32, 8, 8, 1), np.uint8)
BYTES[:, 0, 0], BYTES[:, 0, 1] = 0, 255
IMAGES = (BYTES / 255).astype("float32")


def make_model(likelihood="bernoulli", spread=1.0, latent=3, shape=(8, 8, 1), seed=1, **settings):
    """Make a small compiled model; ``spread`` scales the posterior's moments away from those of the prior."""
    keras.utils.set_random_seed(seed)
    chosen = likelihoods.get(likelihood)
    encoder = small_cnn.build_encoder(shape, latent_shape=latent, filters=[4])
    decoder = small_cnn.build_decoder(latent, (*shape[:2], chosen.output_channels(shape[2])), filters=[4])
    head = next(layer for layer in encoder.layers if isinstance(layer, GaussianHead))
    head.set_weights([spread * weight for weight in head.get_weights()])
    model = AutoEncoder(encoder, decoder, chosen, seed=seed)
    model.compile(**settings)
    return model
