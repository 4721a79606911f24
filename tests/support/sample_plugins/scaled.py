"""An architecture with a layer of its own, registered as it should be."""

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures():
    yield Architecture(
        name="scaled",
        summary="One dense layer each way and a learned scale",
        encoder="scaled_model:build_encoder",
        decoder="scaled_model:build_decoder",
        defaults={"latent_dim": 3},
    )
