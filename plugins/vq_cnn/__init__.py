"""A vector-quantised autoencoder, whose latent is a map of codes from a learned codebook."""

from collections.abc import Iterator, Mapping
from typing import Any

from zoo import Architecture, hookimpl


def latent_map(image_shape: tuple[int, ...], options: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the default latent shape: a quarter of the image's height and width, rounded up, with 16 values each.

    An eighth, for images above 64 pixels. Of several quantisers, each has 16 values.
    """
    height, width, _ = image_shape
    factor = 4 if max(height, width) <= 64 else 8
    own = () if options["quantizers"] == 1 else (options["quantizers"],)
    return -(-height // factor), -(-width // factor), *own, 16


@hookimpl
def zoo_architectures() -> Iterator[Architecture]:
    """Return ``vq_cnn``."""
    yield Architecture(
        name="vq_cnn",
        summary="Vector-quantised: a map of codes from a learned codebook, between residual blocks",
        encoder=f"{__name__}.model:build_encoder",
        decoder=f"{__name__}.model:build_decoder",
        autoencoder=f"{__name__}.autoencoder:VectorQuantizedAutoEncoder",
        defaults={
            "latent_shape": latent_map,
            "width": 64,
            "blocks": 1,
            "codes": 512,
            "quantizers": 1,
            "commitment": 16.0,
            "decay": 0.98,
            "restart_below": 0.05,
        },
        source="van den Oord et al. 2017, arXiv:1711.00937; Razavi et al. 2019, arXiv:1906.00446",
    )
