"""Gives an architecture where datasets are asked for."""

from zoo import Architecture, hookimpl


@hookimpl
def zoo_datasets():
    return [Architecture("misplaced", "An architecture", "m:build_encoder", "m:build_decoder")]
