"""A model zoo of variational autoencoders for image reconstruction, on Keras 3 and TensorFlow.

The public names are listed in ``__init__.pyi`` and resolved on first use, so ``import zoo`` does not import Keras.
"""

from typing import Any

import lazy_loader

from zoo.shown import show_logs
from zoo.startup import explain_backend, silence_tensorflow, without_messages
from zoo.version import __version__ as __version__

silence_tensorflow()
show_logs()
_resolve, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    """Return a public name; if that needs a backend that is not installed, say so in one sentence."""
    try:
        with without_messages():
            return _resolve(name)
    except AttributeError:
        raise
    except Exception:
        reason = explain_backend()
        if reason is None:
            raise
    from zoo.errors import BackendError

    # Not within the except clause, which would print Keras' own traceback too.
    raise BackendError(reason)
