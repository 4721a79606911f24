"""``zoo train --resume`` and ``--tensorboard``."""

import pytest
from click.testing import CliRunner

import zoo
from zoo.cli import main


@pytest.fixture
def command(tiny, few_pictures, monkeypatch):
    """Run the command in this process, with the tiny dataset."""
    monkeypatch.setattr("zoo.cli.command.warnings.showwarning", None)
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_resume(command, tmp_path, interrupted):
    constant = ("--set", "learning_rate_decay=0")
    with interrupted():
        result = command("train", "tiny_cnn/tiny", "--epochs", 2, *constant, "--out", tmp_path)
    assert result.exit_code == 130
    (record,) = tmp_path.glob("tiny_cnn/*/*/run.json")
    path = record.parent
    assert f"zoo train --resume {path} continues after epoch 1" in result.stderr
    result = command("train", "--resume", path)
    assert result.exit_code == 0
    assert "1 already done" in result.stderr
    assert "epoch 1/2" not in result.stderr
    assert result.stdout.splitlines()[-1] == str(path)
    result = command("train", "--resume", path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"zoo: {path}: the run finished after 2 epochs, so nothing is left to train")
    result = command("train", "--resume", path, "--epochs", 3)
    assert result.exit_code == 0
    longer = result.stdout.splitlines()[-1]
    assert zoo.Run(tmp_path / longer).cost["epochs"] == 3
    assert longer != str(path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tiny_cnn/tiny"], "--resume keeps a run's settings: leave out PRESET"),
        (["--set", "latent_dim=3"], "leave out --set"),
        (["--seed", "0"], "leave out --seed"),
        (["--sample"], "leave out --sample"),
        (["--out", "runs"], "leave out --out"),
        (["--early-stopping", "3"], "leave out --early-stopping"),
        (["--no-deterministic"], "leave out --deterministic"),
        ([], "nowhere: no such run folder"),
    ],
)
def test_options_that_do_not_go_with_resume(command, tmp_path, arguments, words):
    result = command("train", "--resume", tmp_path / "nowhere", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_neither_preset_nor_run(command):
    result = command("train")
    assert result.exit_code == 2
    assert "Missing argument 'PRESET', or --resume RUN" in result.stderr


def test_a_folder_that_is_no_run(command, tmp_path):
    result = command("train", "--resume", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == f"zoo: {tmp_path}: not a run folder: it has no run.json\n"


def test_tensorboard_that_is_not_there(command, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "zoo.training.callbacks.tensorboard.find_spec", lambda name: None if name == "tensorboard" else True
    )
    result = command("train", "tiny_cnn/tiny", "--tensorboard", "--out", tmp_path / "runs")
    assert result.exit_code == 1
    assert 'pip install "autoencoder-zoo[tensorboard]"' in result.stderr
    assert not (tmp_path / "runs").exists()
