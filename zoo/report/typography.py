"""Signs that are typed in one way and printed in another."""

from __future__ import annotations

import re

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"  # Where there is no value.


def typeset(text: str) -> str:
    """Return text with a minus sign before numbers, ELBO and log; hyphens stay."""
    return re.sub(r"(?<![\w-])-(?=\d|ELBO|log)", MINUS, text)
