"""The architecture ``scaled``, but the module of its builders cannot be imported."""

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures():
    yield Architecture(
        name="scaled", summary="Broken since", encoder="import_error:build_encoder", decoder="exits:build_decoder"
    )
