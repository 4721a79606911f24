"""Models to export, and what they compute."""

import zoo

ARCHITECTURES = ["small_cnn", "deep_cnn", "residual", "vq_cnn", "fsq_cnn", "ladder"]
# Converters take minutes for the whole ladder.
SMALL = {"ladder": {"widths": [4, 8], "groups": [1], "latents": [1, 2], "blocks": 1}}


def make_model(name="small_cnn", shape=(8, 8, 1), **options):
    return zoo.create_model(name, image_shape=shape, seed=0, **options)


def expected(model, part, images):
    """The public methods' results."""
    if part == "autoencoder":
        return [model.reconstruct(images)]
    mean, std = model.encode(images)
    if part == "encoder":
        return [mean] if model.posterior == "point" else [mean, std]
    return [model.decode(mean)]
