"""Weights on the hub: the real client talks to a server of ours, in processes of their own, since it reads its settings
when it is imported."""

import json
import os
import subprocess
import sys

import pytest
from support.hub_server import HubServer
from support.paths import ROOT
from support.weights_folders import build, write_folder, write_sums

pytest.importorskip("huggingface_hub")

FETCH = """
import sys
from pathlib import Path
from zoo.errors import ModelLoadError
from zoo.weights.hub import fetch, fetch_pinned
from zoo.weights.sources import cache_folder
try:
    if len(sys.argv) > 2:
        found = fetch_pinned(sys.argv[1], sys.argv[2], cache_folder() / "small_cnn" / "mnist@hub")
    else:
        found = fetch(sys.argv[1], cache_folder() / "hub")
    print(found.path, found.source, found.config.preset, len(found.read_arrays()), "keras" in sys.modules)
except ModelLoadError as error:
    print(type(error).__name__, error)
"""


OF = {"preset": "small_cnn/mnist", "dataset": "mnist", "tag": "hub"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("made") / "w", build(), **OF)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def hub():
    server = HubServer()
    yield server
    server.close()


@pytest.fixture
def ask(hub, tmp_path):
    """Run Python with the stand-in as the hub; give what it printed."""

    def run(code, *arguments, **settings):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "ZOO_"))}
        environment = kept | {
            "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "hf"), "KERAS_HOME": str(tmp_path / "keras"),
            "PYTHONPATH": str(ROOT), "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3", **settings,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, env=environment,
            cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def test_fetch_and_offline(hub, ask, files, tmp_path):
    commit = hub.commit("user/repo", files | {"else.bin": b"x"})
    target = tmp_path / "keras" / "zoo" / "weights" / "hub" / f"user--repo@{commit}"
    expected = f"{target} hf://user/repo@{commit} small_cnn/mnist 10 False"
    assert ask(FETCH, "hf://user/repo") == expected
    assert {file.name: file.read_bytes() for file in target.iterdir()} == files
    assert not any(file.is_symlink() for file in target.iterdir())
    hub.requests.clear()
    assert ask(FETCH, f"hf://user/repo@{commit}", HF_HUB_OFFLINE="1") == expected
    assert ask(FETCH, "hf://user/repo@main", HF_HUB_OFFLINE="1") == expected
    assert hub.requests == []


@pytest.mark.parametrize(
    ("address", "settings", "words"),
    [
        ("hf://user/none", {}, "WeightsNotFoundError hf://user/none cannot be reached: RepositoryNotFoundError"),
        ("hf://user/repo@v9", {}, "WeightsNotFoundError hf://user/repo@v9 cannot be reached: RevisionNotFoundError"),
        ("hf://user", {}, "WeightsNotFoundError 'hf://user' is no address on the hub: expected hf://"),
        ("hf://user/repo", {"HF_HUB_OFFLINE": "1"}, "WeightsNotFoundError hf://user/repo cannot be reached: Local"),
        ("hf://user/repo", {"HF_ENDPOINT": "http://127.0.0.1:9"}, "WeightsNotFoundError hf://user/repo cannot be"),
    ],
)  # fmt: skip
def test_what_is_not_there(hub, ask, address, settings, words):
    hub.commit("user/repo", {"README.md": b"nothing"})
    said = ask(FETCH, address, **settings)
    assert said.startswith(words)
    assert "\n" not in said


def test_a_repository_without_weights(hub, ask):
    hub.commit("user/repo", {"README.md": b"nothing"})
    assert ask(FETCH, "hf://user/repo").startswith("WeightsNotFoundError hf://user/repo holds no trained weights")


def test_a_repository_with_a_damaged_file(hub, ask, files):
    hub.commit("user/repo", files | {"model.safetensors": files["model.safetensors"][:-4]})
    said = ask(FETCH, "hf://user/repo")
    assert said.startswith("ModelLoadError")
    assert "is not the file that was published: its SHA-256 differs" in said


def test_a_file_that_claims_to_be_large_is_not_downloaded(hub, ask, files):
    hub.commit("user/repo", files)
    hub.claimed["model.safetensors"] = 2**41
    assert "model.safetensors has 2,199,023,255,552 bytes: expected at most" in ask(FETCH, "hf://user/repo")
    assert not any("resolve" in path for _, path in hub.requests)


def digest(files):
    lines = files["SHA256SUMS"].decode().splitlines()
    return next(line.split()[0] for line in lines if line.endswith("model.safetensors"))


def test_what_the_registry_names_is_compared_with_its_hash(hub, ask, files, tmp_path):
    commit = hub.commit("user/repo", files)
    said = ask(FETCH, f"hf://user/repo@{commit}", "0" * 64)
    assert "has not the arrays that the registry file names" in said
    target = tmp_path / "keras" / "zoo" / "weights" / "small_cnn" / "mnist@hub"
    assert not target.exists()
    assert ask(FETCH, f"hf://user/repo@{commit}", digest(files)).startswith(f"{target} ")
    # Newer ones replace those in the cache.
    other = write_folder(tmp_path / "other", build(seed=9), **OF)
    changed = {file.name: file.read_bytes() for file in other.iterdir()}
    commit = hub.commit("user/repo", changed)
    assert ask(FETCH, f"hf://user/repo@{commit}", digest(changed)).startswith(f"{target} ")
    assert (target / "model.safetensors").read_bytes() == changed["model.safetensors"]


BY_NAME = """
import zoo
model = zoo.create_model("small_cnn/mnist", weights="hub")
print(zoo.list_models("*/mnist@hub", weights=True), model.provenance["weights"]["sha256"])
"""
FIND = """
from zoo.registry import catalogue
from zoo.weights.sources import find_weights
print(find_weights("hub", catalogue.preset("small_cnn/mnist")).sha256)
"""


@pytest.mark.slow
def test_by_name_through_a_registry_file(hub, ask, files, tmp_path):
    commit = hub.commit("user/repo", files)
    place = {"hub": f"hf://user/repo@{commit}", "sha256": digest(files)}
    registry = tmp_path / "mine.yaml"
    registry.write_text("version: 1\npresets:\n  small_cnn/mnist:\n    weights: {hub: " + json.dumps(place) + "}\n")
    expected = f"['small_cnn/mnist@hub'] {digest(files)}"
    assert ask(BY_NAME, ZOO_REGISTRY=str(registry)).endswith(expected)
    # The second time it comes from the cache.
    hub.requests.clear()
    assert ask(FIND, ZOO_REGISTRY=str(registry)) == digest(files)
    assert hub.requests == []


UPLOAD = """
import sys
from pathlib import Path
from zoo.weights.hub import upload
print(upload(Path(sys.argv[1]), sys.argv[2], "Weights"))
"""


def test_upload(hub, ask, files, tmp_path):
    folder = write_folder(tmp_path / "w", build())
    (folder / "private.txt").write_text("not ours")
    said = ask(UPLOAD, str(folder), "hf://user/new")
    commit, stored = hub.find("user/new", "main")
    assert said == f"{hub.address}/user/new/commit/{commit}"
    (folder / "private.txt").unlink()
    assert stored.keys() == {file.name for file in folder.iterdir()}
    assert ask(FETCH, "hf://user/new").split()[1] == f"hf://user/new@{commit}"
    write_sums(folder)


def test_without_the_client(ask):
    said = ask("import sys; sys.modules['huggingface_hub'] = None\n" + FETCH, "hf://user/repo")
    assert said == (
        'WeightsNotFoundError hf://user/repo needs the package huggingface_hub: pip install "autoencoder-zoo[hub]"'
    )
