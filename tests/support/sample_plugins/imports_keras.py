"""Imports Keras at module level, so that listing names becomes slow."""

import keras

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures():
    return [Architecture("heavy", f"Written for Keras {keras.__version__}", "m:build_encoder", "m:build_decoder")]
