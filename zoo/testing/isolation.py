"""Checks that two models of an architecture share nothing."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from zoo.testing.rule import check, require

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

MEND = "make every layer and weight inside the builders, not at the top of the module or in a cache"


@check()
def check_models_share_no_state(subject: Subject) -> None:
    """Training one model leaves another model's weights as they are, and no two models share a variable."""
    first, second = subject.create(), subject.create()
    shared = {id(weight) for weight in first.weights} & {id(weight) for weight in second.weights}
    require(not shared, f"two models share {len(shared)} variables: {MEND}")
    before = second.get_weights()
    for weight in first.weights:
        weight.assign(weight + 1 if "float" in str(weight.dtype) else weight)
    require(
        all(np.array_equal(one, two) for one, two in zip(before, second.get_weights(), strict=True)),
        f"a change of one model's weights changed another model's: {MEND}",
    )


@check()
def check_builders_leave_the_defaults_alone(subject: Subject) -> None:
    """Building changes nothing of the defaults and of the options that the caller gave."""
    given = {
        key: copy.deepcopy(value)
        for key, value in subject.architecture.defaults.items()
        if isinstance(value, list | dict | tuple)
    }
    given = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    given.pop("latent_shape", None)
    handed = copy.deepcopy(given)
    defaults = copy.deepcopy(dict(subject.architecture.defaults))
    subject.architecture.build_encoder(subject.model.image_shape, subject.model.latent_shape, **handed)
    changed = [key for key in given if handed[key] != given[key]]
    changed += [key for key, value in defaults.items() if subject.architecture.defaults[key] != value]
    require(not changed, f"building changed the option {', '.join(changed)}: copy a list before changing it")
