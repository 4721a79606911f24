"""Marks a hook that the zoo does not have."""

from zoo import hookimpl


@hookimpl
def zoo_architecture():
    return []
