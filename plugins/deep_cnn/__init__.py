"""A deeper convolutional autoencoder with batch normalisation."""

from collections.abc import Iterator

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures() -> Iterator[Architecture]:
    """Return ``deep_cnn``."""
    yield Architecture(
        name="deep_cnn",
        summary="Three stages of two batch-normalised convolutions, mirrored by upsampling",
        encoder=f"{__name__}.model:build_encoder",
        decoder=f"{__name__}.model:build_decoder",
        defaults={"latent_dim": 16, "filters": [32, 64, 64], "momentum": 0.95},
        # The first stages cost the most: at the full size, and half of it.
        size_defaults={
            48: {"latent_dim": 64, "filters": [32, 64, 64, 96]},
            96: {"latent_dim": 128, "filters": [16, 32, 64, 64, 96]},
            192: {"latent_dim": 128, "filters": [8, 16, 32, 64, 64, 96]},
        },
        source="Simonyan and Zisserman 2015, arXiv:1409.1556; Ioffe and Szegedy 2015, arXiv:1502.03167",
    )
