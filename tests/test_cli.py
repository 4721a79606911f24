import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import zoo
from zoo.cli import main
from zoo.terminal import print_table

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def command(monkeypatch):
    """Run the command in this process: ``command("list", "--json")`` gives exit status, stdout, stderr."""
    # Warnings are printed as the command prints them, not raised.
    monkeypatch.setattr("zoo.cli.warnings.showwarning", None)

    def run(*arguments):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


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
        (["train", "small_cnn/mnist", "--set", "seed=3"], "seed has an option of its own: --seed"),
        (["train", "small_cnn/mnist_sample", "--set", "latent=3"], "unknown option 'latent' for small_cnn"),
        (["train", "small_cnn/mnist_sample", "--set", "kl_weight=-1"], "kl_weight is -1"),
        (
            ["train", "small_cnn/mnist", "--set", "likelihood=mse", "--set", "importance_samples=3"],
            "which is no likelihood",
        ),
        (
            ["train", "small_cnn/mnist", "--set", "likelihood=logistic_mixture:0"],
            "expected a whole number of components",
        ),
        (
            ["train", "small_cnn/mnist_sample", "--set", "latent=3"],
            "or a setting of the recipe: likelihood,",
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
        (["train", "small_cnn/mnist_sample", "--set", "filters=[4,"], "'[4,': not a value: "),
        (
            ["train", "deep_cnn/mnist_sample", "--set", "momentum=fast"],
            "is 'fast': expected a number",
        ),
        (["reconstruct", "nowhere", "README.md", "--kind", "samples", "--out", "a.png"], "give no images"),
        (["train", "small_cnn/mnist_sample", "--epochs", "0"], "0 is not in the range"),
        (["evaluate", "nowhere"], "nowhere: no such run folder or file"),
        (["evaluate", "nowhere", "--limit", "0"], "0 is not in the range"),
        (["compare", "README.md", "nowhere"], "nowhere: no such run folder or file"),
        (["compare", "README.md", "README.md"], "README.md: is not JSON, as zoo evaluate --json prints it"),
        (["reconstruct", "nowhere", "--out", "a.png"], "nowhere: no such run folder or file"),
        (["reconstruct", "nowhere", "--out", "a.gif"], "expected a name that ends in .png"),
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


def test_train_evaluate_reconstruct(command, tiny, tmp_path):
    result = command("train", "tiny_cnn/tiny", "--epochs", 2, "--set", "learning_rate=1e-3", "--out", tmp_path / "runs")
    assert result.exit_code == 0
    assert "epoch 2/2" in result.stderr
    path = result.stdout.splitlines()[-1]
    run = zoo.Run(tmp_path / path)
    assert run.config["recipe"]["learning_rate"] == 0.001
    assert "PSNR" in result.stdout

    again = command("train", "tiny_cnn/tiny", "--epochs", 2, "--out", tmp_path / "runs")
    assert again.exit_code == 1
    assert "holds a run already (finished)" in again.stderr

    scores = json.loads(command("evaluate", path, "--json").stdout)
    cost = scores.pop("cost")
    assert scores == run.scores
    assert cost["flops"] == run.cost["flops"]
    bound = json.loads(command("evaluate", f"{path}/model.keras", "--iwae", 3, "--json").stdout)
    assert bound["iwae"]["k"] == 3
    other = json.loads(command("evaluate", path, "--data", "mnist_sample", "--part", "validation", "--json").stdout)
    assert other["data"]["dataset"] == "mnist_sample"

    for kind in ("reconstructions", "samples", "interpolation", "latent-space"):
        picture = tmp_path / f"{kind}.png"
        assert command("reconstruct", path, "--kind", kind, "--out", picture).stdout.strip() == str(picture)
        with Image.open(picture) as image:
            assert min(image.size) > 50
    check_own_images(command, path, tmp_path)
    check_comparison(command, path, tmp_path)
    check_doubts(command, tmp_path / path)


def check_comparison(command, path, tmp_path):
    for limit in (30, 40):
        result = command("evaluate", path, "--limit", limit, "--json").stdout
        test = zoo.load_dataset("tiny").test.limit(limit)
        assert json.loads(result)["data"] == {
            "dataset": "tiny", "part": "test", "sha256": test.sha256, "images": limit,
        }  # fmt: skip
        (tmp_path / f"{limit}.json").write_text(result)
    table = command("compare", path, path)
    assert table.exit_code == 0
    header, elbo = (line.split() for line in table.stdout.splitlines() if line.startswith(("score", "-ELBO")))
    assert header == ["score", "first", "second", "difference", "unit"]
    shown = f"{zoo.Run(tmp_path / path).scores['negative_elbo']:,.2f}"
    assert elbo == ["-ELBO", shown, shown, "+0.00", "nats/image"]
    assert table.stdout.splitlines()[-1].startswith("one run each is no evidence")
    same = json.loads(command("compare", tmp_path / "40.json", tmp_path / "40.json", "--json").stdout)
    assert same == zoo.compare(tmp_path / "40.json", tmp_path / "40.json")
    for other, images in ((path, 96), (tmp_path / "40.json", 40)):
        refused = command("compare", tmp_path / "30.json", other)
        assert refused.exit_code == 1
        assert f"number of images (30 and {images})" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
        assert refused.stdout == ""


def check_doubts(command, path):
    assert "warning" not in command("evaluate", path).stderr
    record = (path / "run.json").read_text()
    (path / "run.json").write_text(record.replace("tiny_cnn", "else_cnn"))
    assert "run.json is not the file that the run wrote (SHA256SUMS)" in command("evaluate", path).stderr
    (path / "run.json").write_text(record.replace('"finished"', '"interrupted"'))
    assert "the run is interrupted, not finished: its model is of epoch" in command("evaluate", path).stderr
    (path / "run.json").write_text(record[:100])
    result = command("evaluate", path)
    assert "run.json is missing or damaged" in result.stderr
    assert result.exit_code == 0  # The model tells what it was trained on.
    (path / "SHA256SUMS").unlink()
    (path / "run.json").write_text(record)
    assert "no readable SHA256SUMS" in command("evaluate", path).stderr


def check_own_images(command, path, tmp_path):
    Image.fromarray(np.zeros((50, 40, 3), "uint8")).save(tmp_path / "colour.jpg")
    (tmp_path / "text.png").write_text("no picture")
    result = command("reconstruct", path, tmp_path / "colour.jpg", "--out", tmp_path / "own.png")
    assert result.exit_code == 0
    assert "colour.jpg: resized from 40x50 to 28x28" in result.stderr
    result = command("reconstruct", path, tmp_path / "text.png", "--out", tmp_path / "none.png")
    assert result.exit_code == 1
    assert "text.png: cannot be read as an image" in result.stderr
    assert not (tmp_path / "none.png").exists()


def test_benchmark(command, tiny, tmp_path):
    arguments = ("benchmark", "tiny_cnn/tiny", "--full", "--epochs", 1, "--out", tmp_path)
    result = command(*arguments)
    assert result.exit_code == 0
    assert "tiny: discretized_logistic, 1 epoch" in result.stdout
    stored = json.loads((tmp_path / "leaderboard.json").read_text())
    assert json.loads(command(*arguments, "--json").stdout) == stored
    failing = command("benchmark", "raises/tiny", "tiny_cnn/tiny", "--full", "--epochs", 1, "--out", tmp_path)
    assert failing.exit_code == 1
    assert "failed: raises/tiny, seed 0: architecture raises of plugin tiny_digits" in failing.stdout
    assert "tiny_cnn" in failing.stdout


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


def test_several_broken_plugins_are_one_line(command, install):
    install("broken", {"broken": "does_not_exist", "worse": "does_not_exist_either"})
    assert command("list").stderr.splitlines() == ["zoo: warning: 2 plugins were left out: see zoo plugins"]


def test_out_that_cannot_be_written_is_one_sentence(command, tiny, tmp_path):
    (tmp_path / "file").write_text("")
    result = command("train", "tiny_cnn/tiny", "--out", tmp_path / "file" / "runs")
    assert result.exit_code == 1
    assert "cannot be made: Not a directory: choose another folder (out=, --out)" in result.stderr


def test_a_terminated_run_says_so(install, tmp_path):
    code = "import sys, os, signal; from zoo import cli_runs; from zoo.cli import main\n"
    code += "cli_runs.import_keras = lambda: os.kill(os.getpid(), signal.SIGTERM)\n"
    code += "main(['train', 'small_cnn/mnist_sample', '--out', sys.argv[1]])"
    result = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert result.returncode == 130
    assert result.stderr.strip() == "zoo: terminated"


def test_failed_training_is_status_1(command, tiny, tmp_path):
    result = command("train", "explodes/tiny", "--out", tmp_path)
    assert result.exit_code == 1
    assert "the loss became nan at step 9" in result.stderr
    assert "Traceback" not in result.stderr


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
    assert result.returncode == 1
