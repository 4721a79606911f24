"""What a user passes as an array: NumPy's, or another library's tensor."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def as_array(values: Any, dtype: Any = None) -> np.ndarray:
    """Return ``np.asarray(values, dtype)``, also for PyTorch's tensors that have a gradient or lie on a GPU."""
    torch: Any = sys.modules.get("torch")  # Whoever has a tensor has imported it.
    if torch is not None and isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    return np.asarray(values, dtype)
