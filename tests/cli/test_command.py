import json
import os
import re
import subprocess
import sys

import pytest
from support.paths import ROOT

import zoo
from zoo.cli.printing import print_table

README = ROOT / "README.md"


def test_list(command):
    result = command("list")
    assert result.exit_code == 0
    assert "small_cnn" in result.stdout
    names = [row["name"] for row in json.loads(command("list", "--json").stdout)]
    assert names == zoo.list_models()
    presets = json.loads(command("list", "--presets", "--json").stdout)
    assert [row["name"] for row in presets] == zoo.list_models(presets=True)
    assert json.loads(command("list", "res*", "--json").stdout)[0]["name"] == "residual"


def test_show(command):
    shown = json.loads(command("show", "small_cnn/mnist", "--json").stdout)
    assert isinstance(shown.pop("weights"), list)
    assert shown == json.loads(json.dumps(zoo.get_model_info("small_cnn/mnist").to_dict()))
    text = command("show", "small_cnn/mnist").stdout
    assert "discretized_logistic" in text
    assert "28 x 28 x 1" in text


def test_plugins_and_datasets(command, install):
    install("broken", {"broken": "does_not_exist"})
    records = json.loads(command("plugins", "--json").stdout)
    assert {"name", "origin", "version", "status", "provides", "error"} <= set(records[0])
    (broken,) = [record for record in records if record["name"] == "broken"]
    assert broken["status"] == "failed"
    assert "does_not_exist" in command("plugins").stdout
    datasets = json.loads(command("datasets", "--json").stdout)
    assert {"name": "mnist_sample", "image_shape": [28, 28, 1]}.items() <= datasets[-1].items()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "residul"], "no architecture is called 'residul': did you mean 'residual'"),
        (["train", "small_cnn/mnits"], "did you mean 'small_cnn/mnist'"),
        (["benchmark", "smal_cnn/mnist"], "did you mean 'small_cnn'"),
        (["train", "small_cnn/mnist", "--set", "epochs"], "expected KEY=VALUE"),
        (["train", "small_cnn/mnist", "--set", "seed=3"], "seed has its own option: use --seed"),
        (["train", "small_cnn/mnist_sample", "--set", "latent=3"], "unknown option 'latent' for small_cnn"),
        (["train", "small_cnn/mnist_sample", "--set", "kl_weight=-1"], "kl_weight is -1"),
        (
            ["train", "small_cnn/mnist", "--set", "likelihood=mse", "--set", "importance_samples=3"],
            "which is not a likelihood",
        ),
        (
            ["train", "small_cnn/mnist", "--set", "likelihood=logistic_mixture:0"],
            "expected a whole number of components",
        ),
        (
            ["train", "small_cnn/mnist_sample", "--set", "latent=3"],
            "or a recipe setting: likelihood,",
        ),
        (["train", "small_cnn/mnist_sample", "--set", "latent_dim=0"], "latent_shape (0,): expected positive ints"),
        (["train", "small_cnn/mnist_sample", "--set", "latent_dim="], "'latent_dim=': expected KEY=VALUE"),
        (
            ["train", "small_cnn/mnist_sample", "--set", "filters=4"],
            "filters of small_cnn is 4: expected a list",
        ),
        (
            ["train", "small_cnn/mnist_sample", "--set", "filters=[]"],
            "filters of small_cnn is []: expected a list",
        ),
        (["train", "small_cnn/mnist_sample", "--set", "filters=[a]"], "filters of small_cnn is ['a']: expected a list"),
        (["train", "small_cnn/mnist_sample", "--set", "filters=[4,"], "'[4,' is not a valid value: "),
        (
            ["train", "deep_cnn/mnist_sample", "--set", "momentum=fast"],
            "is 'fast': expected a number",
        ),
        (["reconstruct", "nowhere", "README.md", "--kind", "samples", "--out", "a.png"], "pass no images"),
        (["train", "small_cnn/mnist_sample", "--epochs", "0"], "0 is not in the range"),
        (["evaluate", "nowhere"], "nowhere: no such run folder or file"),
        (["evaluate", "nowhere", "--limit", "0"], "0 is not in the range"),
        (["compare", "README.md", "nowhere"], "nowhere: no such run folder or file"),
        (["compare", "README.md", "README.md"], "README.md: not JSON, as zoo evaluate --json prints it"),
        (["reconstruct", "nowhere", "--out", "a.png"], "nowhere: no such run folder or file"),
        (["reconstruct", "nowhere", "--out", "a.gif"], "expected a file name ending in .png"),
        (["train", "small_cnn/mnist", "--data-dir", "absent"], "Directory 'absent' does not exist"),
        (["verify", "absent"], "absent: no such run folder or file, nor a preset"),
        (["frobnicate"], "No such command"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(command, tmp_path, monkeypatch, arguments, words):
    arguments = [str(README) if argument == "README.md" else argument for argument in arguments]
    monkeypatch.chdir(tmp_path)
    result = command(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) <= 4  # One sentence, after click's own lines of usage.
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_wide_table_is_printed_in_parts(monkeypatch, capsys, width):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    header = ["model", *(f"score {number}" for number in range(9))]
    print_table(header, [["small_cnn", *(f"{number}.5 ± 0.1" for number in range(9))]], numbers_from=1)
    lines = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= width
    assert re.findall(r"score \d", " ".join(lines)) == header[1:]
    assert re.findall(r"\d\.5 ± 0\.1", " ".join(lines)) == [f"{number}.5 ± 0.1" for number in range(9)]
    parts = sum("model" in line for line in lines)
    assert parts == sum("small_cnn" in line for line in lines) == {40: 5, 80: 2, 200: 1}[width]


def test_a_row_whose_words_do_not_fit_is_a_list(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    rows = [["first_of_some_length", "loaded", "from_somewhere_else [x]", ""], ["second", "broken", "here", "no file"]]
    print_table(["plugin", "status", "origin", "error"], rows)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "plugin   first_of_some_length", "status   loaded", "origin   from_somewhere_else [x]", "",
        "plugin   second", "status   broken", "origin   here", "error    no file",
    ]  # fmt: skip


def test_a_folder_that_is_not_there_is_refused_before_keras_is_imported():
    code = (
        "import sys; from click.testing import CliRunner; from zoo.cli import main\n"
        "result = CliRunner().invoke(main, ['train', 'small_cnn/folder:/absent@8x8x1'])\n"
        "assert result.exit_code == 1 and 'is not a folder' in result.stderr, result.output\n"
        "assert not {'keras', 'tensorflow', 'jax'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_several_broken_plugins_are_one_line(command, install):
    install("broken", {"broken": "does_not_exist", "worse": "does_not_exist_either"})
    assert command("list").stderr.splitlines() == ["zoo: warning: 2 plugins were left out: see zoo plugins"]


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["list", "--presets"], ["show", "small_cnn/mnist"], ["plugins"], ["datasets"], ["--version"]],
)
def test_listing_never_imports_keras(arguments):
    code = (
        "import sys; from click.testing import CliRunner; from zoo.cli import main; "
        f"result = CliRunner().invoke(main, {arguments!r}); assert result.exit_code == 0, result.output; "
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'matplotlib', 'scipy', 'numpy'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_debug_shows_the_traceback():
    command = [sys.executable, "-m", "zoo", "--debug", "show", "residul"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    assert "Traceback" in result.stderr
    assert result.returncode == 2
