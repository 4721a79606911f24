"""Prints while it is imported and while its hook runs."""

from zoo import Architecture, hookimpl

print("printed at import")


@hookimpl
def zoo_architectures():
    print("printed by the hook")
    return [Architecture("talkative", "Prints", "prints:build_encoder", "prints:build_decoder")]
