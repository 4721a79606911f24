"""The conformance kit: rules that every architecture and dataset follows, and ways to check one's own.

The public names stand in ``__init__.pyi`` and are resolved on first use: pytest's options are read at every start, and
pytest itself is there where tests are written, not everywhere.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
