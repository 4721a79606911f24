"""Was written for another version of the zoo."""

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures():
    yield Architecture("old", "For a zoo to come", "m:build_encoder", "m:build_decoder", requires_zoo=">=99,<100")
