"""Types shared by several packages."""

from typing import Any, TypeAlias

# A tensor of any Keras backend: the backends share no base class.
Tensor: TypeAlias = Any
