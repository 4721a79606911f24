"""Tensors as arrays, on every backend."""

from keras import ops, tree


def to_numpy(tensors):
    """Return tensors as NumPy arrays, as PyTorch does not of itself for those with a gradient."""
    return tree.map_structure(ops.convert_to_numpy, tensors)
