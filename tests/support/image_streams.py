"""Images, streams of them, and a model that takes them."""

import keras
import numpy as np

from zoo.autoencoder.model import AutoEncoder
from zoo.models import small_cnn

SHAPE = (8, 8, 1)
random = np.random.default_rng(0)
GREY = random.uniform(size=(6, *SHAPE)).astype("float32")
BYTES = random.integers(0, 256, (6, *SHAPE), np.uint8)
LABELS = np.arange(6)


class Batches(keras.utils.PyDataset):
    """Some batches, as a ``PyDataset``."""

    def __init__(self, *batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def in_turn(*batches):
    yield from batches


def make_model(**settings):
    keras.utils.set_random_seed(0)
    encoder = small_cnn.build_encoder(SHAPE, latent_shape=3, filters=[4, 8])
    decoder = small_cnn.build_decoder(3, SHAPE, filters=[4, 8])
    model = AutoEncoder(encoder, decoder, seed=1)
    model.compile(**settings)
    return model
