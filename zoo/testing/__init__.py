"""The conformance kit: rules that everything a plugin provides must follow, and ways to check your own.

The public names are listed in ``__init__.pyi`` and resolved on first use: pytest's options are read at every start, and
pytest itself may not be installed.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
