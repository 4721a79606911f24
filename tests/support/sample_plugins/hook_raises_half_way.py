"""Its hook gives one architecture, then raises: neither may be taken."""

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures():
    yield Architecture("first_half", "Given before the fault", "m:build_encoder", "m:build_decoder")
    raise KeyError("second_half")
