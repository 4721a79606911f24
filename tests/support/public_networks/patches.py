"""A transformer over patches, whose latent is a map that grows with the image, with its layers in a second file."""

from zoo import Architecture, hookimpl

PATCH = 4


def latent_map(image_shape):
    return (*(-(-size // PATCH) for size in image_shape[:2]), 2)


@hookimpl
def zoo_architectures():
    yield Architecture(
        name="patches",
        summary="Attention over patches with stochastic depth, and a latent map",
        encoder="patches_networks.py:build_encoder",
        decoder="patches_networks.py:build_decoder",
        defaults={"latent_shape": latent_map, "width": 16, "heads": 2, "drop": 0.1},
        source="Dosovitskiy et al. 2021, arXiv:2010.11929",
    )
