"""The commands that train, score, compare and benchmark."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import zoo


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
    assert "already holds a run (finished)" in again.stderr

    scores = json.loads(command("evaluate", path, "--json").stdout)
    cost = scores.pop("cost")
    assert scores == run.scores
    assert cost["flops"] == run.cost["flops"]
    bound = json.loads(command("evaluate", f"{path}/model.keras", "--importance-samples", 3, "--json").stdout)
    assert bound["iwae"]["k"] == 3
    former = command("evaluate", f"{path}/model.keras", "--iwae", 3, "--json")
    assert json.loads(former.stdout)["iwae"] == bound["iwae"]
    assert "--iwae is now called --importance-samples" in former.stderr
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
    assert "the run is interrupted, not finished: its model is from epoch" in command("evaluate", path).stderr
    (path / "run.json").write_text(record[:100])
    result = command("evaluate", path)
    assert "run.json: cannot be read: " in result.stderr
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


@pytest.mark.slow
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


def test_out_that_cannot_be_written_is_one_sentence(command, tiny, tmp_path):
    (tmp_path / "file").write_text("")
    result = command("train", "tiny_cnn/tiny", "--out", tmp_path / "file" / "runs")
    assert result.exit_code == 1
    assert "cannot be created: Not a directory: choose another folder (out=, --out)" in result.stderr


def test_a_terminated_run_says_so(install, tmp_path):
    code = "import sys, os, signal; from zoo.cli import main, training\n"
    code += "training.import_keras = lambda: os.kill(os.getpid(), signal.SIGTERM)\n"
    code += "main(['train', 'small_cnn/mnist_sample', '--out', sys.argv[1]])"
    result = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert result.returncode == 130
    assert result.stderr.strip() == "zoo: terminated"


def test_failed_training_is_status_1(command, tiny, tmp_path):
    result = command("train", "explodes/tiny", "--out", tmp_path)
    assert result.exit_code == 1
    assert "the loss became nan at step 9" in result.stderr
    assert "Traceback" not in result.stderr
