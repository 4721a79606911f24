import json
import os
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import zoo
from zoo.cli import main


@pytest.fixture
def tiny(install):
    return install("tiny-digits", {"tiny_digits": "tiny_digits"})


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
        (["train", "small_cnn/mnist_sample", "--epochs", "0"], "0 is not in the range"),
        (["evaluate", "nowhere"], "nowhere: no such run folder or file"),
        (["reconstruct", "nowhere", "--out", "a.png"], "nowhere: no such run folder or file"),
        (["reconstruct", "nowhere", "--out", "a.gif"], "expected a name that ends in .png"),
        (["frobnicate"], "No such command"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(command, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    result = command(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
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
    assert scores == run.scores
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
