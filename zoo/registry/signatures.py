"""What a builder of an encoder or a decoder must accept."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from zoo.errors import ArchitectureError
from zoo.registry.specs import RESERVED_OPTIONS

PARTS = ("encoder", "decoder")
ARGUMENTS = {"encoder": ["image_shape", "latent_shape"], "decoder": ["latent_shape", "output_shape"]}
GIVEN = ("image_shape", "latent_shape", "output_shape")
DRAWN = "return its mean and standard deviation, and let the zoo draw z"
_DRAWS = re.compile(r"\brandom\s*\.\s*(normal|uniform|truncated_normal)\b|\bSeedGenerator\b")
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def check_signature(function: Callable[..., Any], part: str, where: str) -> Mapping[str, inspect.Parameter]:
    """Return a builder's parameters, by name, if it can be called as the zoo calls it.

    Args:
        function: the builder.
        part: ``encoder`` or ``decoder``.
        where: the architecture, for messages.

    Raises:
        ArchitectureError: it does not take two positional shapes, or has a parameter with the name of one of the zoo's
            own settings.
    """
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # Some callables written in C.
        return {}
    names = list(parameters)
    way_out = explain_arguments(names, part)
    if way_out is not None and not _takes_shapes(parameters):
        raise ArchitectureError(f"{where}: build_{part} cannot be called", way_out)
    taken = sorted({name for name, it in parameters.items() if it.kind in _NAMED} & RESERVED_OPTIONS)
    if taken:
        raise ArchitectureError(
            f"{where}: build_{part} takes {taken[0]!r}, which is already an argument of zoo.create_model or zoo.train: "
            "expected another name for the option"
        )
    return parameters


def explain_arguments(names: list[str], part: str) -> str | None:
    """Return how a builder must accept its arguments; None if it already does."""
    expected = ARGUMENTS[part]
    if names[:2] == expected:
        return None
    return (
        f"it is called with two positional shapes but takes {', '.join(names) or 'nothing'}: define it as "
        f"build_{part}({', '.join(expected)}, ...)"
    )


def explain_drawing(error: BaseException, part: str) -> str | None:
    """Return what to do about an encoder's builder that raised where it draws random numbers; None elsewhere."""
    lines = [frame.line or "" for frame in traceback.extract_tb(error.__traceback__)]
    return DRAWN if part == "encoder" and any(map(_DRAWS.search, lines)) else None


def _takes_shapes(parameters: Mapping[str, inspect.Parameter]) -> bool:
    """Whether two positional shapes are accepted, and no parameter that only they could fill is left without one."""
    takes_any = any(it.kind is it.VAR_POSITIONAL for it in parameters.values())
    positional = [name for name, it in parameters.items() if it.kind in _POSITIONAL]
    unfilled = [
        name
        for name, it in parameters.items()
        if name in GIVEN and it.default is it.empty and name not in positional[:2]
    ]
    return (takes_any or len(positional) > 1) and not unfilled
