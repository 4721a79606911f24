"""A second plugin with nothing wrong."""

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures():
    return (Architecture("other", "Never built", "other_model:build_encoder", "other_model:build_decoder"),)
