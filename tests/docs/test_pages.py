"""README.md and the pages of docs/ are run: their Python, their commands' options, their links and their tables."""

import ast
import json
import re
import runpy
from pathlib import Path

import click
import pytest
from PIL import Image
from support.pages import PAGES, PLUGINS, PYTHON, PYTORCH, README, RUN, file_of, run
from support.paths import ROOT

import zoo
from zoo.cli import main

WARNINGS = ("error", "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
CHECKS = {
    "README.md": """
assert zoo.list_models() == ["deep_cnn", "fsq_cnn", "ladder", "my_ae", "residual", "small_cnn", "vq_cnn"]
assert reconstructions.shape == (10, 28, 28, 1)
assert 0 <= reconstructions.min() <= reconstructions.max() <= 1
assert mean.shape == std.shape == (10, 16)
same = zoo.load_model("model.keras")
assert (same.reconstruct(data.test.images[:10]) == reconstructions).all()
""",
    "docs/guide.md": """
assert model.latent_shape == (32,)
assert mixed.latent_shape == (8,)
assert set(logs) == {"loss", "reconstruction_loss", "kl_loss", "negative_elbo"}
assert {"negative_elbo", "kl", "psnr"} <= scores.keys()
assert (same.reconstruct(images[:10]) == autoencoder.reconstruct(images[:10])).all()
""",
    "docs/data.md": "assert photos.classes == ('cats', 'dogs')\nassert model.image_shape == (8, 8, 1)\n",
    "docs/subclassing.md": """
assert isinstance(model, Doubled)
images = zoo.load_dataset("mnist_sample", limit=8).test.images
terms = model.objective(images, kl_weight=1.0, free_bits=0.0, importance_samples=1, training=False)
loss, reconstruction, kl = (keras.ops.convert_to_numpy(term) for term in terms)
assert abs(loss - reconstruction - 2 * kl).max() < 1e-2
""",
    "docs/hierarchical.md": """
assert [group.start for group in model.groups] == [0, 2, 34, 132]
assert [group.shape for group in model.groups] == [(1, 1, 2), (4, 4, 2), (7, 7, 2), (14, 14, 1)]
assert len(scores["kl_per_group"]) == 4
assert photographs.output_shape[0] == (None, 32, 32, 64)
assert [group.size for group in two_levels.groups] == [2, 6]
""",
    "docs/likelihoods.md": """
assert model.likelihood.identifier == 'logistic_mixture:5'
assert real.likelihood.identifier == 'laplace'
""",
    "docs/weights.md": """
assert logs['negative_elbo'] < 880
assert reconstructions.shape == (10, 28, 28, 1)
assert by_latents > by_pixels + 0.01 > 0.9
assert history.history['loss'][0] < 900
assert model.provenance['started_from']['tag'] == 'default'
""",
    "docs/compression.md": "assert abs(made.bits / made.computed_bits - 1) < 0.01\nassert (restored == digits).all()\n",
    "docs/conditional.md": """
assert threes.shape == reconstructions.shape == styles.shape == (10, 28, 28, 1)
assert between.shape == (8, 28, 28, 1)
assert mean.shape == (10, 16)
assert scores["conditional"]
assert labelled.classes == 10
""",
    "docs/export.md": "assert made.difference < 1e-6\n",
    "docs/outliers.md": "assert len(unusual) == 5\nassert found['typicality'].argmax() in unusual\n",
    "docs/samplers.md": """
assert digits.shape == again.shape == (100, 28, 28, 1)
assert (digits == again).all()
assert scores["precision"]["value"] > 0.5
""",
    "docs/scores.md": "assert zoo.evaluate(model, images)['mae'] > 0\n",
}
# Runs each page's script in a namespace of its own; tracebacks have the page's lines.
RUNNER = """
import sys
for name in sys.argv[1:]:
    source = open(name.replace("/", "-"), encoding="utf-8").read()
    exec(compile(source, name, "exec"), {"__name__": "__main__"})
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run the Python of all pages in one process; give the folder it ran in, and what it printed."""
    folder = tmp_path_factory.mktemp("pages")
    for page in RUN:
        (folder / page.name.replace("/", "-")).write_text(page.script() + CHECKS[page.name], encoding="utf-8")
    for name in ("cats/one.png", "cats/two.png", "dogs/one.png"):
        (folder / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (70, 64)).save(folder / "photos" / name)
    (folder / "run.py").write_text(RUNNER)
    options = [f"-W{warning}" for warning in WARNINGS]
    return folder, run([PYTHON, *options, "run.py", *(page.name for page in RUN)], folder)


def test_every_page_with_python_is_run():
    with_python = {page.name for page in PAGES if any(not file_of(block) for block in page.blocks("python"))}
    assert with_python == {PLUGINS.name, PYTORCH.name, *(page.name for page in RUN)}


# Pages have no docstrings, and import where they first need something.
NOT_FOR_PAGES = "D,E402,I001,TID253"


@pytest.mark.parametrize("page", [*RUN, PLUGINS, PYTORCH], ids=lambda page: page.name)
def test_python_follows_the_projects_own_rules(page, tmp_path):
    pytest.importorskip("ruff")
    (tmp_path / "page.py").write_text(page.script())
    command = [PYTHON, "-m", "ruff", "check", "--no-cache", "--config", ROOT / "pyproject.toml"]
    run([*command, "--extend-ignore", NOT_FOR_PAGES, "page.py"], tmp_path)


@pytest.mark.slow
def test_what_is_printed(ran):
    _, printed = ran
    for page in RUN:
        for promised in page.promises():
            assert f"{promised}\n" in printed
    (header,) = re.findall(r"^\| model .*$", printed, re.MULTILINE)
    assert {"-ELBO", "bits/dim", "validation", "KL", "PSNR dB", "parameters"} <= {
        cell.strip() for cell in header.split("|")
    }
    assert re.search(r"^\| small_cnn +\| +[12] \| +1 \| +[\d,.]+ \|", printed, re.MULTILINE)
    assert re.search(r"^\| my_ae +\| +[12] \| +1 \| +[\d,.]+ \|", printed, re.MULTILINE)
    (logs,) = re.findall(r"^\{'\w*loss': .*\}$", printed, re.MULTILINE)
    assert all(value > 0 for value in ast.literal_eval(logs).values())


@pytest.mark.slow
def test_what_is_written(ran):
    folder, _ = ran
    for name in ("reconstructions.png", "model.keras", *(f"my_runs/leaderboard.{kind}" for kind in ("md", "json"))):
        assert (folder / name).stat().st_size > 100
    runs = [path.parent for path in folder.glob("my_runs/*/mnist_sample/seed0-*/run.json")]
    assert {path.parent.parent.name for path in runs} == {"small_cnn", "my_ae"}
    for path in runs:
        assert json.loads((path / "run.json").read_text())["status"] == "finished"
        assert {"model.keras", "history.csv", "reconstructions.png"} <= {file.name for file in path.iterdir()}


def without_options_of_all(words):
    """Return the words of a command from its name on."""
    words = list(words)
    while words and words[0].startswith("--"):
        (option,) = [param for param in main.params if words[0] in param.opts and isinstance(param, click.Option)]
        del words[: 1 if option.is_flag else 2]
    return words


def parse(words):
    """Return the command and its parameters, as click reads them; nothing runs."""
    name, *others = without_options_of_all(words)
    command = main.commands[name]
    return command, command.make_context(name, others, parent=click.Context(main)).params


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist_with_their_options(page, my_package, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("IMAGE", "docs/leaderboard/file", "mine.yaml", "registry.yaml", "my_ae.py"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    for name in ("FOLDER", "RUN", "photos"):
        Path(name).mkdir()
    own = {"my_ae", "my_net", "NAME", "PATTERN", "PRESET"}
    for words in page.commands():
        command, params = parse(words)
        presets = [params.get("preset"), *params.get("presets", ())] if command.name != "list" else []
        for name in filter(None, presets):
            if name.partition("/")[0] not in own:
                zoo.get_model_info(name)


def test_every_command_is_shown():
    shown = {without_options_of_all(words)[0] for page in PAGES for words in page.commands()}
    assert shown == set(main.commands)


def named():
    """Return each page's commands in the text, such as `zoo plugins`."""
    return sorted({(page.name, code) for page in PAGES for code in re.findall(r"`zoo ([^`]+)`", page.text)})


@pytest.mark.parametrize(("page", "code"), named())
def test_commands_named_in_the_text_exist(page, code):
    words = without_options_of_all(code.split())
    if not words:  # zoo --version
        return
    name, *words = words
    options = {option: param for param in main.commands[name].params for option in param.opts}
    for position, option in enumerate(words):
        if option.startswith("--"):
            assert option in options
            kind = options[option].type
            if isinstance(kind, click.Choice):
                assert words[position + 1] in kind.choices


def links():
    """Return each page's links to files, with what they are relative to."""
    return sorted({(page.name, to) for page in PAGES for to in re.findall(r"\]\((?!https?://)([^)]+)\)", page.text)})


@pytest.mark.parametrize(("page", "target"), links())
def test_links_lead_to_files_and_their_headings(page, target):
    name, _, heading = target.partition("#")
    path = (ROOT / page).parent / name if name else ROOT / page
    assert path.is_file()
    if heading:
        titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


TABLES = {
    "README.md": {"headline"},
    "docs/benchmark.md": {"benchmark"},
    "docs/cluster.md": {"many_runs", "two_nodes"},
    "docs/compression.md": {"compression"},
    "docs/conditional.md": {"conditional"},
    "docs/guide.md": {"models", "sizes"},
    "docs/leaderboard.md": {"leaderboard"},
    "docs/outliers.md": {"outliers"},
    "docs/plugins.md": {"checks"},
    "docs/samplers.md": {"codes", "samplers"},
    "docs/scores.md": {"scores"},
    "docs/results.md": {"mnist_binary", "cifar10"},
    "docs/speed.md": {"speed"},
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_are_those_that_docs_tables_makes(page):
    assert set(re.findall(r"<!-- tables:(\w+) -->", page.text)) == TABLES.get(page.name, set())
    fill_tables = runpy.run_path(str(ROOT / "docs" / "tables.py"))["fill_tables"]
    assert fill_tables(page.text) == page.text, "stale: run python docs/tables.py"


def test_readme_is_short():
    assert len(README.text.split()) <= 700
