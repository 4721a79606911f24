"""Gives one name twice."""

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures():
    for summary in ("first", "second"):
        yield Architecture("twin", summary, "m:build_encoder", "m:build_decoder")
