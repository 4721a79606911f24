"""Notebooks as pages of the site: their text, code and outputs as Markdown, their pictures as files."""

import base64
import json
from pathlib import Path
from typing import Any

REPOSITORY = "https://github.com/autoencoder-zoo/autoencoder-zoo/blob/main/"
Pictures = dict[str, bytes]


def to_markdown(file: Path) -> tuple[str, Pictures]:
    """Return a notebook as Markdown, and the pictures beside it by name.

    Links to the repository, which Colab needs in full, become relative ones to the files of this checkout.
    """
    notebook = json.loads(file.read_text(encoding="utf-8"))
    parts: list[str] = []
    pictures: Pictures = {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source.replace(f"]({REPOSITORY}", "](../../"))
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            parts.append(_show(output, f"{file.stem}-{len(pictures) + 1}.png", pictures))
    return "\n\n".join(parts) + "\n", pictures


def _show(output: dict[str, Any], name: str, pictures: Pictures) -> str:
    """Return an output as Markdown; a picture is added to those by the given name."""
    data = output.get("data", {})
    if "image/png" in data:
        pictures[name] = base64.b64decode("".join(data["image/png"]))
        return f"![What the cell above shows]({name})"
    if "text/html" in data:
        return f'<div class="output">{"".join(data["text/html"])}</div>'
    text = "".join(output["text"] if "text" in output else data["text/plain"])
    return f"```text\n{text.rstrip()}\n```"
