"""Who is timed: each makes the same network, and gives a function that trains it, scores with it or decodes.

Images are uint8 ``(n, size, size, channels)`` in memory, and training is one epoch of them. The likelihood is
Bernoulli, the optimizer Adam at 0.001. A contender's library is imported by its own worker alone.
"""

from functools import partial

import in_keras
import in_pythae
import in_torch
import numpy as np
from workload import BATCH, LATENTS, SAMPLES, SCORED


def make_model(network, images):
    """Our own model."""
    import zoo

    return zoo.create_model(
        network, image_shape=images.shape[1:], latent_dim=LATENTS[network], likelihood="bernoulli", seed=0
    )


def make_zoo(network, images):
    """Our own model and its ``fit``."""
    model = make_model(network, images)
    return lambda: model.fit(images, batch_size=BATCH, verbose=0)


def score_zoo(network, images):
    """The importance-weighted bound of a few images."""
    from zoo.evaluation.bounds import importance_weighted_bound

    model = make_model(network, images)
    return lambda: importance_weighted_bound(model, images[:SCORED], SAMPLES, 0)


def decode_zoo(network, images, count):
    """Mean images of z: ``decode``."""
    model = make_model(network, images)
    z = np.random.default_rng(0).normal(size=(count, LATENTS[network])).astype("float32")
    return lambda: model.decode(z)


TASKS = {
    "train": {
        "zoo": make_zoo,
        "keras": in_keras.make_keras,
        "keras example": in_keras.make_keras_example,
        "torch": in_torch.make_torch,
        "torch compiled": in_torch.make_torch_compiled,
        "pythae": in_pythae.make_pythae,
    },
    "score": {"zoo": score_zoo, "pythae": in_pythae.score_pythae},
    **{
        f"decode {count}": {
            "zoo": partial(decode_zoo, count=count),
            "keras": partial(in_keras.decode_keras, count=count),
            "torch": partial(in_torch.decode_torch, count=count),
        }
        for count in (1, 128)
    },
}
