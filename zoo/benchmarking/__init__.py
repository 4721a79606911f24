"""Training and comparison of presets.

The names are listed in ``__init__.pyi`` and resolved on first use, since what starts a run elsewhere needs no Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
