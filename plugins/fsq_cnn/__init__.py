"""An autoencoder with finite scalar quantisation, whose latent is a map of codes that are not learned."""

from collections.abc import Iterator, Mapping
from typing import Any

from zoo import Architecture, hookimpl


def latent_map(image_shape: tuple[int, ...], options: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return the default latent shape: a quarter of the image's height and width, rounded up; a value for each level.

    An eighth, for images above 64 pixels.
    """
    height, width, _ = image_shape
    factor = 4 if max(height, width) <= 64 else 8
    return -(-height // factor), -(-width // factor), len(options["levels"])


@hookimpl
def zoo_architectures() -> Iterator[Architecture]:
    """Return ``fsq_cnn``."""
    yield Architecture(
        name="fsq_cnn",
        summary="Finite scalar quantisation: a map of rounded values, with no codebook to learn",
        encoder=f"{__name__}.model:build_encoder",
        decoder="zoo.plugins.vq_cnn.model:build_decoder",
        autoencoder="zoo:QuantizedAutoEncoder",
        defaults={"latent_shape": latent_map, "width": 64, "blocks": 1, "levels": [8, 8, 8], "decay": 0.98},
        source="Mentzer et al. 2023, arXiv:2309.15505",
    )
