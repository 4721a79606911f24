"""Runs the notebooks and keeps what they show: ``python docs/run_notebooks.py [NAME ...]``.

Each is run in a folder of its own, by Jupyter's kernel, as it is. Its pictures and texts are stored in it, and in its
metadata which code they are from, so that a test finds a notebook that was changed and not run again. With
``--out FOLDER`` the notebooks stay as they are, and those with outputs are written there: with
``ZOO_NOTEBOOKS_QUICK=1``, which their first cells read, this is how they are tested.
"""

import argparse
import base64
import hashlib
import io
import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "docs" / "notebooks"
LONGEST = 1800  # Seconds of a cell.
COLOURS = 96
# The forms of an output, the best one first; others need a running notebook.
KEPT = ("image/png", "text/html", "text/plain")


def run_notebook(file: Path) -> nbformat.NotebookNode:
    """Return a notebook with the outputs of its cells; a cell that fails raises an error that shows it."""
    notebook = nbformat.read(file, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        where = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=LONGEST, coalesce_streams=True, resources=where).execute()
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [keep(output, folder) for output in cell.outputs if output.get("name") != "stderr"]
    notebook.metadata = {**describe_kernel(), "zoo": {"code": digest(notebook)}}
    return notebook


def keep(output: nbformat.NotebookNode, folder: str) -> nbformat.NotebookNode:
    """Return an output with the first of its forms that is kept, beside its text, and without the folder's name."""
    if "data" not in output:
        return output
    best = next((kind for kind in KEPT if kind in output.data), KEPT[-1])
    output.data = {kind: output.data[kind] for kind in dict.fromkeys((best, KEPT[-1])) if kind in output.data}
    for kind, content in output.data.items():
        output.data[kind] = shrink(content) if kind == "image/png" else content.replace(f"{folder}/", "")
    output.metadata = {}
    return output


def shrink(picture: str) -> str:
    """Return a PNG file with fewer colours, a third as large; both in base 64."""
    whole, content = Image.open(io.BytesIO(base64.b64decode(picture))), io.BytesIO()
    whole.convert("RGB").quantize(COLOURS).save(content, "png", optimize=True)
    return base64.b64encode(content.getvalue()).decode("ascii")


def describe_kernel() -> dict[str, dict[str, str]]:
    """Return the metadata that every notebook has, whatever Python has run it."""
    return {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


def digest(notebook: nbformat.NotebookNode) -> str:
    """Return the SHA-256 of a notebook's code."""
    code = "\n\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    return hashlib.sha256(code.encode()).hexdigest()


def main() -> None:
    """Run the notebooks that are named, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", default=sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))
    parser.add_argument("--out", type=Path, default=NOTEBOOKS)
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in given.names:
        start = time.perf_counter()
        nbformat.write(run_notebook(NOTEBOOKS / f"{name}.ipynb"), given.out / f"{name}.ipynb")
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
