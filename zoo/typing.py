"""Types that several packages name."""

from typing import Any, TypeAlias

# A tensor of whichever backend Keras runs on: the backends share no base class.
Tensor: TypeAlias = Any
