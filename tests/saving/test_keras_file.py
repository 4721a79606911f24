"""Saved models as untrusted input: nothing is run, nothing is written, and memory stays bounded."""

import contextlib
import io
import json
import os
import pickle
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import zoo
from zoo.errors import ModelLoadError


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    file = tmp_path_factory.mktemp("saved") / "model.keras"
    zoo.create_model("small_cnn", image_shape=(8, 8, 1), latent_dim=2, filters=[4], seed=0).save(file)
    return file


@pytest.fixture
def forge(saved, tmp_path):
    """Write a changed copy: ``forge(members={name: bytes}, edit=function of the config)`` gives its path."""

    def write(members=None, edit=None, compression=zipfile.ZIP_STORED):
        file = tmp_path / "hostile" / "model.keras"
        file.parent.mkdir()
        with zipfile.ZipFile(saved) as source:
            content = {name: source.read(name) for name in source.namelist()}
        if edit is not None:
            config = json.loads(content["config.json"])
            edit(config)
            content["config.json"] = json.dumps(config).encode()
        with zipfile.ZipFile(file, "w", compression) as archive:
            for name, data in (content | (members or {})).items():
                if data is not None:
                    archive.writestr(name, data)
        return file

    return write


def refused(file):
    """Return the message, having seen that nothing was written."""
    before = sorted(file.parent.parent.rglob("*"))
    with pytest.raises(ModelLoadError) as caught:
        zoo.load_model(file)
    assert sorted(file.parent.parent.rglob("*")) == before
    message = str(caught.value)
    assert "\n" not in message
    return message


def layer(config, position=1):
    return config["config"]["encoder"]["config"]["layers"][position]


def as_lambda(config):
    built = keras.layers.Lambda(lambda x: x)
    layer(config)["config"] = keras.saving.serialize_keras_object(built)["config"]
    layer(config).update(module="keras.layers", class_name="Lambda", registered_name=None)


def test_a_lambda_with_code_is_refused(forge):
    assert "refused: it has a Lambda layer, which runs code" in refused(forge(edit=as_lambda))


@pytest.mark.parametrize("name", ["TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"])
def test_a_layer_that_reads_other_files_is_refused(forge, name, tmp_path):
    def edit(config):
        layer(config).update(module="keras.layers", class_name=name, registered_name=None)
        layer(config)["config"] = {"filepath": str(tmp_path), "name": "x"}

    assert f"refused: it has a {name} layer" in refused(forge(edit=edit))


@pytest.mark.parametrize(
    ("module", "name"),
    [("keras.callbacks", "BackupAndRestore"), ("keras.utils", "get_file"), ("keras.config", "set_backend"),
     ("keras.saving", "load_model"), ("keras.datasets.mnist", "load_data")],
)  # fmt: skip
@pytest.mark.parametrize("place", ["activation", "layer"])
def test_what_is_no_part_of_a_model_is_refused(forge, module, name, place):
    def edit(config):
        if place == "layer":
            layer(config).update(module=module, class_name=name, registered_name=None)
        else:
            function = {"module": module, "class_name": "function", "config": name, "registered_name": name}
            layer(config)["config"]["activation"] = function

    assert f"refused: it names {module}" in refused(forge(edit=edit))


@pytest.mark.parametrize("name", ["../outside.txt", "/tmp/outside.txt", "assets/vocabulary.txt", "a\\..\\b", "extra"])
def test_other_members_are_refused(forge, name):
    message = refused(forge(members={name: b"text"}))
    assert "not a .keras file of the zoo: it holds " in message
    assert message.endswith("expected metadata.json, config.json and model.weights.h5")


def test_a_member_twice_is_refused(forge):
    file = forge()
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(file, "a") as archive:
        archive.writestr("config.json", "{}")
    assert "it holds 'config.json' twice" in refused(file)


@pytest.mark.parametrize("member", ["config.json", "metadata.json", "model.weights.h5"])
def test_a_zip_bomb_is_refused(forge, member):
    file = forge(members={member: bytes(200 * 2**20)}, compression=zipfile.ZIP_DEFLATED)
    assert file.stat().st_size < 2**20
    assert f"refused: {member} would unpack from" in refused(file)


def test_a_large_config_is_refused(forge):
    noise = random.Random(0).randbytes(17 * 2**20)
    assert "refused: config.json would unpack" in refused(forge(members={"config.json": noise}))


def test_a_small_file_cannot_ask_for_a_large_model(forge):
    def edit(config):
        for item in config["config"]["encoder"]["config"]["layers"]:
            if item["class_name"] == "Conv2D":
                item["config"]["filters"] = 200_000_000

    before = peak_memory()
    assert "refused: it describes a model with " in refused(forge(edit=edit))
    assert peak_memory() - before < 300 * 2**20


def peak_memory():
    import resource

    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def weights(build):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        build(file)
    return buffer.getvalue()


def virtual(file):
    layout = h5py.VirtualLayout((10,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (10,))
    file.create_virtual_dataset("v", layout)


def external(file):
    file.create_dataset("d", (9,), "u1", external=[("/etc/passwd", 0, 9)])


def ring(file):
    file.create_group("a")["b"] = file["/"]


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda file: file.update({"a": h5py.ExternalLink("/etc/passwd", "/")}), "links /a to another place"),
        (lambda file: file.update({"a": h5py.SoftLink("/b")}), "links /a to another place"),
        (
            lambda file: file.create_dataset("d", (9,), "u1", external=[("/etc/passwd", 0, 9)]),
            "reads /d from elsewhere",
        ),
        (virtual, "reads /v from elsewhere"),
        (lambda file: file.create_dataset("d", (10**6, 10**6), "f4", chunks=(1000, 1000)), "claims that /d has"),
        (ring, "holds /a"),
        (lambda file: file.update({"t": np.dtype("f4")}), "reads /t from elsewhere"),
    ],
    ids=["external link", "soft link", "external data", "virtual", "huge", "ring", "type"],
)
def test_weights_that_are_more_than_arrays_are_refused(forge, build, words):
    message = refused(forge(members={"model.weights.h5": weights(build)}))
    assert f"refused: its model.weights.h5 {words}" in message
    assert message.endswith("; expected plain arrays")


def test_weights_that_are_a_pickle_run_nothing(forge, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    assert "its model.weights.h5 is damaged" in refused(forge(members={"model.weights.h5": pickle.dumps(Evil())}))
    assert not (tmp_path / "ran").exists()


def test_a_pickled_model_is_no_keras_file(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    file = tmp_path / "hostile" / "model.keras"
    file.parent.mkdir()
    file.write_bytes(pickle.dumps(Evil()))
    assert "not a .keras file: " in refused(file)


@pytest.mark.parametrize("name", ["metadata.json", "config.json", "model.weights.h5"])
def test_a_member_that_is_absent(forge, name):
    assert refused(forge(members={name: None})).endswith(f"not a .keras file: it has no {name}")


def test_a_newer_file_says_so(forge):
    def edit(config):
        config["config"]["something_new"] = 1

    file = forge(members={"metadata.json": json.dumps({"keras_version": "99.1"})}, edit=edit)
    assert f"(it was saved with Keras 99.1, this is {keras.__version__}: upgrade keras)" in refused(file)


def test_a_newer_file_that_can_be_read_is_read(forge):
    assert zoo.load_model(forge(members={"metadata.json": json.dumps({"keras_version": "99.1"})})).latent_shape == (2,)


@pytest.mark.parametrize("seed", range(3))
def test_flipped_bytes_give_one_error_or_the_model(saved, tmp_path, seed):
    chance = random.Random(seed)
    for trial in range(10):
        content = bytearray(saved.read_bytes())
        for _ in range(chance.choice([1, 4, 64])):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        file = tmp_path / f"{trial}.keras"
        file.write_bytes(content[: chance.choice([len(content), chance.randrange(len(content))])])
        with contextlib.suppress(ModelLoadError):
            zoo.load_model(file)


def test_loading_opens_no_connection_and_runs_no_process(saved):
    """With Python's own audit of what a process does."""
    code = (
        "import sys, zoo, keras\n"
        "zoo.load_model(sys.argv[1])\n"  # Whatever is imported on the way is by now.
        "seen = []\n"
        "sys.addaudithook(lambda event, args: seen.append((event, args)) if event.startswith(('socket', 'subprocess', "
        "'os.system', 'os.exec', 'os.mkdir', 'shutil', 'tempfile')) or (event == 'open' and set(str(args[1])) & "
        "set('wax+')) else None)\n"
        "zoo.load_model(sys.argv[1])\n"
        "assert not seen, seen"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(zoo.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code, saved], check=True, env=environment, capture_output=True)
