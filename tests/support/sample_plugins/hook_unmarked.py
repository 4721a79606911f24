"""Forgets the marker."""


def zoo_architectures():
    return []
