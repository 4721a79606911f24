"""Forgets the return."""

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures():
    Architecture("forgotten", "Never returned", "m:build_encoder", "m:build_decoder")
