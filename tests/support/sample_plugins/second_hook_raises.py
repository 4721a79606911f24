"""One of its two hooks raises: what the other gives may not be taken."""

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures():
    return [Architecture("sound_half", "From the hook that works", "m:build_encoder", "m:build_decoder")]


@hookimpl
def zoo_datasets():
    raise RuntimeError("no data today")
