"""The notebooks of docs/notebooks/: they run as they are, show what their code makes, and are pages of the site."""

import base64
import json
import re
import runpy
import tomllib

import pytest
from support.pages import PYTHON, run
from support.paths import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def sources(path, kind):
    return ["".join(cell["source"]) for cell in read(path)["cells"] if cell["cell_type"] == kind]


def outputs(path):
    return [it for cell in read(path)["cells"] if cell["cell_type"] == "code" for it in cell["outputs"]]


def pictures(found):
    return [base64.b64decode(it["data"]["image/png"]) for it in found if "image/png" in it.get("data", {})]


def scripts(name):
    return runpy.run_path(str(ROOT / "docs" / f"{name}.py"))


@each_notebook
def test_what_it_shows_is_from_the_code_that_it_has(path):
    pytest.importorskip("nbclient")
    kept = read(path)["metadata"]["zoo"]["code"]
    assert kept == scripts("run_notebooks")["digest"](read(path)), f"python docs/run_notebooks.py {path.stem}"
    assert len(pictures(outputs(path))) >= 2
    assert path.stat().st_size < 500_000


@each_notebook
def test_it_opens_and_installs_itself_on_colab(path):
    place = f"{REPOSITORY.removeprefix('https://github.com/')}/blob/main/docs/notebooks/{path.name}"
    assert f"https://colab.research.google.com/github/{place}" in sources(path, "markdown")[0]
    assert f"%pip install --quiet git+{REPOSITORY}\n" in sources(path, "code")[0] + "\n"
    # Relative links lead nowhere on Colab.
    for target in re.findall(r"\]\(([^)]+)\)", "".join(sources(path, "markdown"))):
        assert target.startswith("https://")
        if target.startswith(f"{REPOSITORY}/blob/main/"):
            assert (ROOT / target.removeprefix(f"{REPOSITORY}/blob/main/")).is_file()


@each_notebook
def test_it_is_a_page_of_the_site(path):
    text, found = scripts("notebook_pages")["to_markdown"](path)
    assert list(found.values()) == pictures(outputs(path))
    assert re.findall(r"^!\[.+\]\((.+)\)$", text, re.MULTILINE) == list(found)
    assert re.findall(r"^```python\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL) == sources(path, "code")
    assert f"notebooks/{path.stem}.md" in (ROOT / "mkdocs.yml").read_text()
    assert f"]({REPOSITORY}/blob/main/" not in text
    for target in re.findall(r"\]\((\.\./[^)]+)\)", text):
        assert (path.parent / target).is_file()


@pytest.mark.slow
@each_notebook
def test_it_runs(path, tmp_path):
    run([PYTHON, ROOT / "docs" / "run_notebooks.py", path.stem, "--out", tmp_path], tmp_path, ZOO_NOTEBOOKS_QUICK="1")
    made = outputs(tmp_path / path.name)
    assert len(made) == len(outputs(path))
    assert len(pictures(made)) == len(pictures(outputs(path)))
