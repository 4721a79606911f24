"""Characters that are typed in one way and printed in another."""

from __future__ import annotations

import re

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"  # Shown instead of a missing value.


def typeset(text: str) -> str:
    """Return text with minus signs before numbers, ELBO and log; hyphens are kept."""
    return re.sub(r"(?<![\w-])-(?=\d|ELBO|log)", MINUS, text)
