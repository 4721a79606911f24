"""Samplers: distributions of latents that are fitted to a trained model, to draw better images than from its prior.

The names are listed in ``__init__.pyi`` and resolved on first use, since importing them imports Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
