"""Checks that two models of an architecture share no state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.testing.rule import check, require

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

MEND = "create every layer and weight inside the builders, not at module level or in a cache"


@check()
def check_models_share_no_state(subject: Subject) -> None:
    """Training one model does not change another model's weights, and no two models share a variable."""
    first, second = subject.create(), subject.create()
    shared = {id(weight) for weight in first.weights} & {id(weight) for weight in second.weights}
    require(not shared, f"two models share {len(shared)} variables: {MEND}")
    before = second.get_weights()
    for weight in first.weights:
        weight.assign(weight + 1 if "float" in str(weight.dtype) else weight)
    require(
        all(np.array_equal(one, two) for one, two in zip(before, second.get_weights(), strict=True)),
        f"changing one model's weights changed another model's: {MEND}",
    )
