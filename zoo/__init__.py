"""A model zoo of variational autoencoders for image reconstruction, on Keras 3 and TensorFlow.

The public names are listed in ``__init__.pyi`` and resolved on first use, so ``import zoo`` does not import Keras.
"""

import lazy_loader

from zoo.version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
