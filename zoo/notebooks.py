"""What notebooks show of the zoo's objects: small pieces of HTML, in which all text is escaped."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from zoo.shown import show

if TYPE_CHECKING:
    import numpy as np

_CELL = "text-align: {}; padding: 0.1em 0.8em 0.1em 0"


def show_title(text: str) -> str:
    """Return a title in bold."""
    return f"<div><strong>{_escape(text)}</strong></div>"


def show_text(text: str) -> str:
    """Return a line of text."""
    return f"<div>{_escape(text)}</div>"


def show_table(header: Sequence[str], rows: Iterable[Sequence[Any]], numbers_from: int | None = None) -> str:
    """Return a table.

    Args:
        header: the names of the columns; empty for none.
        rows: the cells, as text or as anything that ``str`` turns into text.
        numbers_from: columns from here on are right-aligned; None: no column is.
    """

    def show_row(cells: Sequence[Any], tag: str) -> str:
        sides = ["right" if numbers_from is not None and n >= numbers_from else "left" for n in range(len(cells))]
        parts = zip(cells, sides, strict=True)
        return "".join(f'<{tag} style="{_CELL.format(side)}">{_escape(cell)}</{tag}>' for cell, side in parts)

    head = f"<thead><tr>{show_row(header, 'th')}</tr></thead>" if header else ""
    body = "".join(f"<tr>{show_row(row, 'td')}</tr>" for row in rows)
    return f"<table>{head}<tbody>{body}</tbody></table>"


def show_images(images: np.ndarray, alt: str) -> str:
    """Return images side by side.

    Args:
        images: ``(n, H, W, C)``, uint8, 0..255.
        alt: what they are.
    """
    import numpy as np
    from PIL import Image

    row = np.concatenate(list(images), axis=1)
    # Two channels, or more than four, cannot be shown as colours.
    shown = row if row.shape[-1] in (3, 4) else row.mean(axis=-1).astype("uint8")
    content = io.BytesIO()
    Image.fromarray(shown).save(content, "png")
    return show_picture(content.getvalue(), alt)


def show_picture(content: bytes, alt: str) -> str:
    """Return a picture.

    Args:
        content: a PNG file.
        alt: what it shows.
    """
    data = base64.b64encode(content).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{_escape(alt)}" style="max-width: 100%">'


def _escape(text: object) -> str:
    return escape(show(text, lines=True))


def show_size(shape: Sequence[int]) -> str:
    """Return a shape as ``28 x 28 x 1``."""
    return " x ".join(map(str, shape))
