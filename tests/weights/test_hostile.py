"""Weights folders that are not what they should be: one sentence each, nothing run, nothing half loaded."""

import json
import os
import struct

import numpy as np
import pytest
from support.weights_folders import build, describe, write_folder, write_sums

import zoo
from zoo.autoencoder.arrays import get_arrays
from zoo.errors import ModelLoadError, WeightsNotFoundError
from zoo.weights.arrays import write_arrays


@pytest.fixture(scope="module")
def model():
    return build()


@pytest.fixture(scope="module")
def arrays(model):
    return get_arrays(model)


@pytest.fixture
def write(model, arrays, tmp_path):
    """Write a folder with other arrays, or with changes of its config."""
    return lambda given=None, **changes: write_folder(tmp_path / "w", model, given or arrays, **changes)


def refused(folder):
    with pytest.raises(ModelLoadError) as caught:
        zoo.load_model(folder)
    message = str(caught.value)
    assert message.startswith(str(folder))
    assert "\n" not in message
    assert len(message) < 1000
    return message


def test_what_is_right_is_read(write, model):
    loaded = zoo.load_model(write())
    for name, array in get_arrays(model).items():
        np.testing.assert_array_equal(get_arrays(loaded)[name], array)


FIRST = "decoder/layers/conv2d/vars/0"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda it: it | {FIRST: it[FIRST][..., :2]}, "has the shape (3, 3, 4, 2): the model's has"),
        (lambda it: {name: it[name] for name in it if name != FIRST}, f"has no array {FIRST!r}, expected a file"),
        (lambda it: it | {"encoder/x": it[FIRST]}, "has 'encoder/x', which is not the model's: expected"),
        (lambda it: it | {"../../x": it[FIRST]}, "has '../../x', which is not the model's"),
        (lambda it: it | {FIRST: it[FIRST] * np.nan}, f"{FIRST!r} has values that are NaN or infinite"),
        (lambda it: it | {FIRST: np.full_like(it[FIRST], np.inf)}, "NaN or infinite"),
        (lambda it: it | {FIRST: it[FIRST].astype("int32")}, "is of type int32: the model's is float32"),
        (lambda it: {}, "has no array 'decoder/layers/conv2d/vars/0' and 9 others, expected a file of"),
    ],
    ids=["shape", "missing", "extra", "path", "nan", "infinite", "integers", "nothing"],
)  # fmt: skip
def test_other_arrays(write, arrays, change, words):
    folder = write(arrays)
    (folder / "model.safetensors").write_bytes(write_arrays(change(dict(arrays))))
    write_sums(folder)
    assert words in refused(folder)


def header(content, data=b""):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return struct.pack("<Q", len(text)) + text + data


def one(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"x" * 7, struct.pack("<Q", 2**62) + b"{}", header(b"[]"), header(b"{"), header(b'{"a": 1}'),
        header({"a": one()}, bytes(4)), header({"a": one()}, bytes(80)), header({"a": one(shape=[2**40])}, bytes(8)),
        header({"a": one(offsets=(0, 2**50), shape=[2**48])}, bytes(8)), header({"a": one(), "b": one()}, bytes(8)),
        header({"a": one(offsets=(4, 12))}, bytes(12)), header({"a": one("F999")}, bytes(8)),
        header({"a": one(shape=[-2])}, bytes(8)), header({"a": one(shape=[2**32, 2**32, 2**32])}, bytes(8)),
        header({"a" * 600: one()}, bytes(8)), header({"a": one("BF16", offsets=(0, 4))}, bytes(4)),
        header({"a": one(shape=[1] * 9 + [2])}, bytes(8)), header(b"\xff\xfe"), header(b"[" * 100_000),
    ],
)  # fmt: skip
def test_damaged_arrays(write, content):
    folder = write()
    (folder / "model.safetensors").write_bytes(content)
    write_sums(folder)
    assert "model.safetensors" in refused(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"module": "os"}, "it has 'module': expected architecture,"),
        ({"format": 2}, "format is 2: expected 1"),
        ({"architecture": "os:system"}, "architecture is 'os:system' and preset 'small_cnn/mnist_sample': expected"),
        ({"parameters": 5}, "has parameters 5: its options give a model of "),
        ({"architecture": ["x"]}, "architecture is ['x']: expected text"),
        ({"architecture": "deep_cnn"}, "architecture is 'deep_cnn' and preset 'small_cnn/mnist_sample': expected"),
        ({"dataset": "cifar10"}, "has image_shape (28, 28, 1): cifar10 has (32, 32, 3)"),
        ({"image_shape": [28, 28]}, "image_shape is [28, 28]: expected a list of 3"),
        ({"image_shape": [28, 28, 2**40], "dataset": "other"}, "image_shape is [28, 28, 1099511627776]"),
        ({"latent_shape": []}, "latent_shape is []: expected"),
        ({"latent_shape": [3]}, "has latent_shape (3,): its options give (2,)"),
        ({"options": {"latent_dim": 2, "filters": [40_000] * 3}}, "expected the"),
        ({"options": {"latent_dim": 10**9, "filters": [4]}}, "options has the number 1,000,000,000: expected at most"),
        ({"options": {"latent_dim": 2, "filters": [4], "x": 1}}, "no model that can be built here: unknown option"),
        ({"options": {"latent_dim": 2, "filters": "text"}}, "no model that can be built here: option filters"),
        ({"options": {"latent_dim": 2, "filters": [[4]]}}, "describes no model that can be built here"),
        (
            {"architecture": "residual", "preset": "residual/mnist", "plugin": None, "options": {"blocks": 65_536}},
            "it has too many layers",
        ),
        ({"recipe": {"likelihood": "os.system"}}, "no likelihood is called 'os.system'"),
        ({"recipe": {"likelihood": "logistic_mixture:5000000"}}, "values: expected the"),
        ({"recipe": {"likelihood": "logistic_mixture:" + "9" * 5000}}, "describes no model that can be built here"),
        ({"recipe": {"optimizer": "x"}}, "no optimizer is called 'x'"),
        ({"recipe": {"learning_rate": -1}}, "learning_rate is -1"),
        ({"recipe": {"x": 1}}, "unknown recipe setting 'x'"),
        ({"tag": "../x"}, "tag is '../x': expected letters"),
        ({"plugin": {"name": "p", "distribution": "somebodys-zoo", "version": "1"}}, "is one of somebodys-zoo, here"),
        ({"seed": -1}, "seed is -1: expected a whole number of at least 0"),
    ],
    ids=lambda it: str(it)[:40] if isinstance(it, dict) else "",
)  # fmt: skip
def test_other_configs(write, changes, words):
    if isinstance(changes.get("recipe"), dict):
        changes = changes | {"recipe": zoo.get_model_info("small_cnn/mnist_sample").recipe | changes["recipe"]}
    assert words in refused(write(**changes))


def test_callbacks_of_a_recipe_are_not_imported(write, tmp_path, monkeypatch):
    (tmp_path / "evil_weights.py").write_text("raise SystemExit('run')\n")
    monkeypatch.syspath_prepend(tmp_path)
    recipe = zoo.get_model_info("small_cnn/mnist_sample").recipe | {"callbacks": ["evil_weights:make"]}
    assert zoo.load_model(write(recipe=recipe)).latent_shape == (2,)


DAMAGED = [b"", b"[]", b"null", b"{", b"\xff", b"[" * 10_000, b'{"seed": NaN}', b'{"seed": 1e999}', b" " * 2_000_000]


@pytest.mark.parametrize("text", DAMAGED)
def test_damaged_configs(write, text):
    folder = write()
    (folder / "config.json").write_bytes(text)
    write_sums(folder)
    assert "config.json" in refused(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("change", ["cut", "byte", "link", "pipe", "sums"])
def test_files_that_are_not_those_published(write, tmp_path, name, change):
    folder = write()
    file = folder / name
    content = file.read_bytes()
    if change == "cut":
        file.write_bytes(content[:-5])
    elif change == "byte":
        file.write_bytes(content[:-1] + b"x")
    elif change == "sums":
        sums = (folder / "SHA256SUMS").read_text()
        (folder / "SHA256SUMS").write_text("".join(line for line in sums.splitlines(True) if name not in line))
    else:
        file.unlink()
        (tmp_path / "other").write_bytes(content)
        file.symlink_to(tmp_path / "other") if change == "link" else os.mkfifo(file)
    if change == "pipe":  # Not even what a weights folder has.
        with pytest.raises(ModelLoadError):
            zoo.load_model(folder)
        with pytest.raises(WeightsNotFoundError, match="it has no model"):
            zoo.create_model("small_cnn/mnist_sample", weights=folder)
        return
    expected = {"link": "it is a link, which is not followed", "sums": f"does not name {name}"}
    assert expected.get(change, "is not the file that was published") in refused(folder)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0" * 64 + "  ../../etc/passwd\n", "SHA256SUMS names '../../etc/passwd': expected config.json"),
        ("0" * 64 + "  /etc/passwd\n", "SHA256SUMS names '/etc/passwd'"),
        ("xyz\n", "the line 'xyz' is not a SHA-256"),
        ("0" * 64 + "  config.json\n", "names config.json twice"),
        ("0" * 100_000, "it has"),
    ],
)
def test_checksums_of_something_else(write, line, words):
    folder = write()
    with (folder / "SHA256SUMS").open("a") as file:
        file.write(line)
    assert words in refused(folder)


def test_weights_of_something_else(write):
    folder = write(preset="small_cnn/mnist", dataset="mnist")
    with pytest.raises(ModelLoadError, match=r"has the weights of small_cnn/mnist: expected those of small_cnn/mnist_"):
        zoo.create_model("small_cnn/mnist_sample", weights=folder)
    with pytest.raises(ModelLoadError, match="has the weights of small_cnn/mnist: expected those of deep_cnn"):
        zoo.create_model("deep_cnn", weights=folder, image_shape=(28, 28, 1))


def test_a_card_with_html(write):
    from zoo.weights.folder import WeightsFolder

    folder = write()
    WeightsFolder(folder).check_card()
    (folder / "README.md").write_text("# x\n<script>alert(1)</script>\n")
    write_sums(folder)
    with pytest.raises(ModelLoadError, match=r"has the HTML '<script>alert\(1\)"):
        WeightsFolder(folder).check_card()


def test_a_large_file_is_not_read(write):
    folder = write()
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(2**31)
    assert "it has 2,147,483,648 bytes: expected at most 1,073,741,824" in refused(folder)


def test_describe_is_what_the_zoo_writes(model):
    from zoo.weights.config import read_config

    content = describe(model)
    assert read_config(content, "here").to_dict() == content


def test_whatever_a_plugin_raises_is_one_sentence(write, monkeypatch):
    def fail(*arguments, **settings):
        raise RuntimeError("no\nmodel")

    folder = write()
    monkeypatch.setattr("zoo.factory.trained.assemble", fail)
    assert "describes no model that can be built here: no model" in refused(folder)


def test_a_folder_of_images_is_not_followed(write, command):
    folder = write()
    config = json.loads((folder / "config.json").read_text())
    config |= {"dataset": "folder:/etc", "preset": "small_cnn/folder:/etc"}
    (folder / "config.json").write_text(json.dumps(config))
    write_sums(folder)
    assert zoo.load_model(folder).provenance["trained_on"] is None
    said = command("evaluate", folder).stderr
    assert "does not say what it was trained on: pass --data DATASET" in said
