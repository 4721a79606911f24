"""Gives a name with a hyphen."""

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures():
    yield Architecture("my-CNN", "A name as of a distribution", "m:build_encoder", "m:build_decoder")
