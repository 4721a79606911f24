"""Files that are no models of the zoo, damaged or harmful ones: one sentence each, and nothing of them is run."""

import os
import sys
import zipfile

import keras
import pytest
from support.keras_files import edit_config, first_layer, make_saved, refused


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A good file, for tests that copy it."""
    return make_saved(tmp_path_factory.mktemp("saved"))[1]


def damage(kind, saved, file):
    content = saved.read_bytes()
    if kind == "without config.json":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("metadata.json", "{}")
    elif kind in ("a list", "too deep", "no JSON"):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("config.json", {"a list": "[1]", "too deep": "[" * 200_000, "no JSON": "{"}[kind])
    else:
        kinds = {"truncated": content[: len(content) // 2], "empty": b"", "text": b"These are not the weights.\n" * 9}
        file.write_bytes(kinds[kind])


@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "without config.json", "a list", "too deep", "no JSON"])
def test_a_damaged_file(kind, saved, tmp_path):
    file = tmp_path / "model.keras"
    damage(kind, saved, file)
    assert f"{file}: not a .keras file: " in refused(file)


def test_damaged_weights(saved, tmp_path):
    file = tmp_path / "model.keras"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(file, "w") as copy:
        for item in source.namelist():
            copy.writestr(item, source.read(item)[:2000] if item.endswith(".h5") else source.read(item))
    assert f"{file}: its model.weights.h5 is damaged: " in refused(file)


@pytest.mark.parametrize("name", ["absent.keras", "."])
def test_a_missing_file(name, tmp_path):
    message = refused(tmp_path / name)
    assert "no such file; expected a .keras file or a run folder" in message
    assert "absent.keras" in message or "model.keras" in message


def test_a_plain_keras_model_is_refused(tmp_path):
    inputs = keras.Input((3,))
    keras.Model(inputs, keras.layers.Dense(2)(inputs)).save(tmp_path / "plain.keras")
    assert refused(tmp_path / "plain.keras").endswith("contains a Functional; expected a zoo.AutoEncoder")


@pytest.mark.parametrize("place", ["layer", "model", "likelihood", "optimizer", "activation"])
@pytest.mark.parametrize("module", ["marker_module", "keras_hub", "os"])
def test_a_module_that_the_file_names_is_not_imported(module, place, saved, tmp_path, monkeypatch):
    name = "system" if module == "os" else "Model"
    for planted in ("marker_module", "keras_hub"):
        code = f"import pathlib\npathlib.Path({str(tmp_path / 'marker')!r}).touch()\nclass Model: pass\n"
        (tmp_path / f"{planted}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(os, "system", lambda command: (tmp_path / "marker").touch())
    foreign = {"module": module, "class_name": name, "registered_name": f"{module}>{name}"}

    def edit(config):
        if place == "activation":
            function = {"module": module, "class_name": "function", "config": name, "registered_name": name}
            first_layer(config)["config"]["activation"] = function
        elif place == "optimizer":
            config["compile_config"]["optimizer"].update(foreign)
        else:
            places = {"layer": first_layer(config), "model": config, "likelihood": config["config"]["likelihood"]}
            places[place].update(foreign)

    message = refused(edit_config(saved, tmp_path / "model.keras", edit))
    assert name in message or module in message
    assert not (tmp_path / "marker").exists()
    assert module == "os" or module not in sys.modules
