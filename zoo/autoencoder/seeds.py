"""Seeds of a model's random draws."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def seed_generator(seed: int | None) -> Any:
    """Return a ``keras.random.SeedGenerator`` for any seed of 32 bits.

    Args:
        seed: 0..2^32 - 1; None draws one.
    """
    # Keras' state is int32 on PyTorch, where it refuses half of the seeds.
    if not isinstance(seed, int) or seed < 2**31:
        return keras.random.SeedGenerator(seed)
    generator = keras.random.SeedGenerator(0)
    set_seed(generator, seed)
    return generator


def set_seed(generator: Any, seed: int) -> None:
    """Let a generator draw from now on as a new one of that seed, 0..2^32 - 1, does."""
    generator.state.assign(np.array([seed, 0], "uint32").astype(generator.state.dtype))
