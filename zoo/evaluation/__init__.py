"""Scores of a trained model: the same set for every model, each with its definition.

The names are listed in ``__init__.pyi`` and resolved on first use, since ``compare`` does not need Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
