"""A small convolutional autoencoder, the zoo's baseline."""

from collections.abc import Iterator

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures() -> Iterator[Architecture]:
    """Return ``small_cnn``."""
    yield Architecture(
        name="small_cnn",
        summary="Two convolution and pooling stages, mirrored by upsampling",
        encoder=f"{__name__}.model:build_encoder",
        decoder=f"{__name__}.model:build_decoder",
        defaults={"latent_dim": 16, "filters": [32, 64]},
        size_defaults={
            48: {"latent_dim": 64, "filters": [32, 64, 64]},
            96: {"latent_dim": 128, "filters": [32, 64, 64, 64]},
            192: {"latent_dim": 128, "filters": [16, 32, 64, 64, 64]},
        },
    )
