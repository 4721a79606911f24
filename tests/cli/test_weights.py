"""Commands that take a preset's name use its trained weights."""

import json
import shutil

import pytest
from support.published import PRESET, tiny_plugin, train_tiny
from support.weights_folders import write_sums

import zoo
from zoo.publishing import publish


@pytest.fixture(scope="module")
def plugin():
    with tiny_plugin() as record:
        yield record


@pytest.fixture(scope="module")
def run(plugin, tmp_path_factory):
    return train_tiny(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def root(run, tmp_path_factory):
    root = tmp_path_factory.mktemp("weights")
    publish(run, root / "tiny_cnn" / "tiny")
    return root


@pytest.fixture(autouse=True)
def by_name(root, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_WEIGHTS", str(root))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.chdir(tmp_path)


def test_list(command, root):
    (listed,) = json.loads(command("list", "tiny*", "--weights", "--json").stdout)
    assert listed["name"] == PRESET
    assert listed["score"].startswith("-ELBO ")
    assert str(root) in listed["place"]
    shown = command("list", "--weights").stdout
    assert PRESET in shown
    assert listed["sha256"][:12] in shown
    assert command("list", "res*", "--weights").stderr.startswith("no preset that matches 'res*' has trained weights")


@pytest.mark.parametrize("name", [PRESET, "tiny_cnn"])
def test_show(command, root, name):
    assert f"{PRESET}, in $ZOO_WEIGHTS ({root})" in command("show", name).stdout
    assert json.loads(command("show", name, "--json").stdout)["weights"] == [PRESET]


def test_evaluate(command, root):
    scores = json.loads(command("evaluate", PRESET, "--json").stdout)
    published = json.loads((root / PRESET / "scores.json").read_text())
    assert scores["negative_elbo"] == published["negative_elbo"]
    assert scores["data"]["dataset"] == "tiny"


def test_a_folder_of_runs_is_not_in_the_way(command, tmp_path):
    (tmp_path / PRESET / "seed0-12345678").mkdir(parents=True)
    assert command("evaluate", PRESET, "--limit", 8).exit_code == 0


def test_compare(command, run):
    compared = json.loads(command("compare", PRESET, run.path, "--json").stdout)
    assert abs(compared["difference"]["negative_elbo"]) < 0.02


def test_reconstruct(command, tmp_path):
    assert command("reconstruct", PRESET, "--out", "picture.png").exit_code == 0
    assert (tmp_path / "picture.png").stat().st_size > 1000


def test_report_is_written_here_and_not_beside_the_weights(command, root, tmp_path):
    assert command("report", PRESET).stdout.strip() == "report.html"
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count("tiny_cnn") > 2
    assert not (root / PRESET / "report.html").exists()


def test_verify(command, root, tmp_path):
    (verdict,) = json.loads(command("verify", PRESET, "--json").stdout)
    assert (verdict["status"], verdict["drift"]) == ("verified", 0.0)
    assert command("verify", root).exit_code == 0


@pytest.mark.parametrize("name", ["scores.json", "README.md", "model.safetensors", "reconstructions.png"])
def test_verify_sees_changes(command, root, tmp_path, name):
    shutil.copytree(root / PRESET, tmp_path / "w")
    with (tmp_path / "w" / name).open("ab") as file:
        file.write(b" ")
    result = command("verify", tmp_path / "w", "--json")
    assert result.exit_code == 1
    (verdict,) = json.loads(result.stdout)
    assert verdict["status"] == "failed"
    assert f"{name} is not the file" in verdict["findings"][0]


def test_verify_refuses_a_card_with_html(command, root, tmp_path):
    shutil.copytree(root / PRESET, tmp_path / "w")
    with (tmp_path / "w" / "README.md").open("a") as file:
        file.write("<img src=x onerror=alert(1)>")
    write_sums(tmp_path / "w")
    result = command("verify", tmp_path / "w")
    assert result.exit_code == 1
    assert "has the HTML '<img src=x onerror=alert(1)>': expected Markdown alone" in result.stdout


@pytest.mark.slow
def test_train_starts_from_them(command, tmp_path):
    result = command("train", PRESET, "--start", PRESET, "--epochs", 1, "--out", tmp_path / "runs")
    assert result.exit_code == 0
    (record,) = [json.loads(file.read_text()) for file in (tmp_path / "runs").glob("**/run.json")]
    assert record["provenance"]["start"]["path"].endswith("tiny/model.safetensors")


@pytest.mark.parametrize("name", ["evaluate", "verify", "report"])
def test_what_is_not_there(command, name):
    missing = command(name, "tiny_cnn/mnist")
    assert missing.exit_code == 1
    assert "no trained weights 'default' of tiny_cnn/mnist: looked in $ZOO_WEIGHTS (" in missing.stderr
    unknown = command(name, "tiny_cnn/mnst")
    assert unknown.exit_code == 2
    assert "no preset is called 'tiny_cnn/mnst': did you mean" in unknown.stderr
    tag = command(name, f"{PRESET}@long")
    assert "no trained weights 'long' of tiny_cnn/tiny; there are 'default'" in tag.stderr
    assert "nowhere: no such run folder or file, nor a preset" in command(name, "nowhere").stderr


def test_publish(command, run, tmp_path):
    result = command("publish", run.path, "--tag", "mine", "--licence", "MIT")
    assert result.stdout.strip() == f"weights/{PRESET}@mine"
    assert "parameters as float16" in result.stderr
    assert zoo.load_model(tmp_path / f"weights/{PRESET}@mine").provenance["weights"]["tag"] == "mine"
    again = command("publish", run.path, "--tag", "mine")
    assert again.exit_code == 1
    assert "exists already" in again.stderr


@pytest.fixture
def uploaded(monkeypatch):
    """What would be uploaded."""
    pytest.importorskip("huggingface_hub")
    uploaded = []
    monkeypatch.setattr("zoo.weights.hub.upload", lambda *given: uploaded.append(given) or "https://there")
    return uploaded


def test_nothing_is_uploaded_unless_it_is_agreed_to(command, run, uploaded):
    refused = command("publish", run.path, "--to", "hf://user/repo")
    assert refused.exit_code == 1
    assert "model.safetensors" in refused.stdout
    assert uploaded == []


@pytest.mark.slow
def test_what_is_agreed_to_is_uploaded(command, run, uploaded):
    agreed = command("publish", run.path, "--to", "hf://user/repo", "--yes")
    assert agreed.stdout.strip().endswith("https://there")
    assert uploaded[0][1] == "hf://user/repo"
    assert "is no address on the hub" in command("publish", run.path, "--to", "hf://user").stderr
