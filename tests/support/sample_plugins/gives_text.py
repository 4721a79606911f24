"""Gives one text, which is an iterable too."""

from zoo import hookimpl


@hookimpl
def zoo_datasets():
    return "mnist"
