"""A residual autoencoder."""

from collections.abc import Iterator

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures() -> Iterator[Architecture]:
    """Return ``residual``."""
    yield Architecture(
        name="residual",
        summary="Pre-activation residual blocks between convolutions that halve or double the size",
        encoder=f"{__name__}.model:build_encoder",
        decoder=f"{__name__}.model:build_decoder",
        defaults={"latent_dim": 16, "filters": [32, 64, 96], "blocks": 1, "momentum": 0.95},
        size_defaults={
            48: {"latent_dim": 64, "filters": [32, 64, 96, 128]},
            96: {"latent_dim": 128, "filters": [32, 64, 96, 128, 128]},
            192: {"latent_dim": 128, "filters": [16, 32, 64, 96, 128, 128]},
        },
        source="He et al. 2016, arXiv:1603.05027",
    )
