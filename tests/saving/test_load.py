import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from support.keras_files import IMAGES, edit_config, first_layer, make_saved, refused
from support.paths import SAMPLE_PLUGINS

import zoo
from zoo.autoencoder.model import AutoEncoder
from zoo.errors import ModelLoadError
from zoo.registry import catalogue

SMALL_CNN = ("zoo.plugins.small_cnn.model:build_encoder", "zoo.plugins.small_cnn.model:build_decoder")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A good file, for tests that copy it."""
    return make_saved(tmp_path_factory.mktemp("saved"))[1]


@pytest.fixture
def scaled(install, tmp_path):
    """A model of the entry-point plugin ``scaled`` with a layer of its own, its file and the site folder."""
    shutil.copy(SAMPLE_PLUGINS / "scaled_model.py", tmp_path / "site-packages")
    site = install("scaled-dist", {"scaled": "scaled"}, "1.2")
    model, file = make_saved(tmp_path, "scaled", train=True)
    yield model, file, site
    keras.saving.get_custom_objects().pop("scaled>Scale", None)


def uninstall(site):
    """Leave the process as one that never had the plugin ``scaled``."""
    keras.saving.get_custom_objects().pop("scaled>Scale", None)
    for module in ("scaled", "scaled_model"):
        sys.modules.pop(module, None)
    shutil.rmtree(site / "scaled_dist-1.2.dist-info")
    zoo.refresh()


LOAD = """
import sys
import numpy as np
import zoo
model = zoo.load_model(sys.argv[1])
np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))
"""


def predict_elsewhere(file, folder, *search):
    """Load the file in a new process and predict there."""
    np.save(folder / "images.npy", IMAGES)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZOO_")}
    path = os.pathsep.join(map(str, (*search, Path(zoo.__file__).parents[1])))
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", LOAD, file, folder / "images.npy", folder / "out.npy"],
        env={**kept, "PYTHONPATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return np.load(folder / "out.npy")


def test_another_process_needs_only_load_model(tmp_path):
    model, file = make_saved(tmp_path, "small_cnn", train=True)
    np.testing.assert_allclose(predict_elsewhere(file, tmp_path), model.predict(IMAGES, verbose=0), atol=1e-6)


@pytest.mark.slow
def test_another_process_finds_the_layers_of_an_installed_plugin(scaled, tmp_path):
    model, file, site = scaled
    np.testing.assert_allclose(predict_elsewhere(file, tmp_path, site), model.predict(IMAGES, verbose=0), atol=1e-6)


def test_optimizer_and_compile_settings_come_along_and_training_goes_on(tmp_path):
    model, _ = make_saved(tmp_path, "small_cnn", train=True)
    again = zoo.load_model(tmp_path)  # a run folder
    assert int(again.optimizer.iterations) == 3
    assert float(again.optimizer.learning_rate) == pytest.approx(0.02)
    assert again.kl_schedule.get_config() == {"warm_up_steps": 10, "start": 0.0, "end": 0.5}
    assert again.kl_weight == pytest.approx(0.15)
    assert again.provenance == model.provenance
    for slot, same in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_allclose(np.array(slot), np.array(same), rtol=1e-6)
    before = again.predict(IMAGES, verbose=0)
    assert np.isfinite(float(again.fit(IMAGES, batch_size=4, verbose=0).history["loss"][0]))
    assert int(again.optimizer.iterations) == 5
    assert again.kl_weight == pytest.approx(0.25)
    assert not np.allclose(again.predict(IMAGES, verbose=0), before, atol=1e-4)


def test_an_absent_plugin_with_layers_of_its_own_is_named(scaled):
    _, file, site = scaled
    uninstall(site)
    message = refused(file)
    assert "architecture 'scaled' of plugin 'scaled' is missing: install scaled-dist==1.2" in message
    assert "layer Scale is not registered" in message
    assert message.count("install") == 1  # encoder's and decoder's plugin are one


def test_an_absent_plugin_whose_layers_are_known_is_a_warning(install, tmp_path):
    site = install("good-dist", {"good_plugin": "good"}, "3.1")
    model, file = make_saved(tmp_path, "dense")
    shutil.rmtree(site / "good_dist-3.1.dist-info")
    zoo.refresh()
    with pytest.warns(UserWarning, match="'dense' of plugin 'good_plugin' is missing: install good-dist==3.1") as seen:
        again = zoo.load_model(file)
    assert [warning.filename for warning in seen] == [__file__]
    np.testing.assert_allclose(again.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0), atol=1e-6)


def test_a_plugin_that_fails_is_said_to_be_there_but_failed(scaled, install):
    _, file, site = scaled
    uninstall(site)
    install("scaled-dist", {"scaled": "import_error"}, "1.3")
    with pytest.warns(zoo.errors.PluginLoadWarning):
        message = refused(file)
    assert "that plugin failed to load: ModuleNotFoundError: No module named 'a_module_that_nobody_has'" in message


def test_both_absent_plugins_are_named(saved, tmp_path):
    def edit(config):
        for part in ("encoder", "decoder"):
            config["config"]["provenance"][part] = {
                "architecture": f"gone_{part}", "plugin": f"{part}_plugin", "distribution": f"{part}-dist",
                "version": "2.0",
            }  # fmt: skip

    with pytest.warns(UserWarning, match="is missing") as caught:
        zoo.load_model(edit_config(saved, tmp_path / "model.keras", edit))
    (message,) = (str(warning.message) for warning in caught)
    for part in ("encoder", "decoder"):
        assert f"architecture 'gone_{part}' of plugin '{part}_plugin' is missing: install {part}-dist==2.0" in message


def test_a_model_registered_in_a_script_asks_for_that_script(clean_registry, tmp_path):
    zoo.register(zoo.Architecture("mine", "Mine", *SMALL_CNN, defaults={"latent_dim": 3, "filters": [4]}))
    _, file = make_saved(tmp_path, "mine")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo.load_model(file)
    catalogue._registered.clear()
    zoo.refresh()
    with pytest.warns(UserWarning, match="'mine' of plugin .* run the code that registers it before loading"):
        zoo.load_model(file)


def test_an_architecture_of_another_distribution_is_another_one(scaled):
    _, file, site = scaled
    zoo.load_model(file)
    uninstall(site)
    zoo.register(zoo.Architecture("scaled", "Mine", "import_error:build_encoder", "exits:build_decoder"))
    message = refused(file)
    assert "a different one, from zoo.register in tests.saving.test_load" in message
    assert "install scaled-dist==1.2" in message
    assert "import_error" not in sys.modules


def test_another_distribution_is_a_warning_where_every_layer_is_known(install, saved, tmp_path):
    def edit(config):
        config["config"]["provenance"]["decoder"]["distribution"] = "somebodys-zoo"

    with pytest.warns(UserWarning, match=r"a different one, from registry\.yaml .* install somebodys-zoo=="):
        zoo.load_model(edit_config(saved, tmp_path / "model.keras", edit))


def test_another_spelling_of_the_distribution_is_the_same_one(saved, tmp_path):
    def edit(config):
        for part in ("encoder", "decoder"):
            config["config"]["provenance"][part]["distribution"] = "Autoencoder_Zoo"

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo.load_model(edit_config(saved, tmp_path / "model.keras", edit))


@pytest.mark.parametrize(
    ("module", "cause"),
    [
        ("import_error", "ModuleNotFoundError: No module named 'a_module_that_nobody_has' (import_error.py, line 3)"),
        ("exits", "SystemExit: usage: exits FILE (exits.py, line 3)"),
    ],
)
def test_builders_that_cannot_be_imported_are_named(scaled, install, module, cause):
    _, file, site = scaled
    uninstall(site)
    for source in ("import_error", "exits"):
        shutil.copy(SAMPLE_PLUGINS / f"{source}.py", site)
    source = (SAMPLE_PLUGINS / "builders_absent.py").read_text()
    (site / "scaled_again.py").write_text(source.replace("import_error:", f"{module}:"))
    install("scaled-dist", {"scaled_again": "scaled_again"}, "1.3")
    message = refused(file)
    assert (
        f"architecture scaled of plugin scaled_again: '{module}:build_encoder' cannot be imported: {cause}" in message
    )


def test_an_unregistered_layer_is_named_with_the_way_out(install, tmp_path):
    install("careless", {"careless_plugin": "unregistered"})
    _, file = make_saved(tmp_path, "unregistered")
    with pytest.raises(ModelLoadError) as caught:
        zoo.load_model(file)
    assert str(caught.value) == (
        f"{file}: the layer Halve is not registered: decorate it with @keras.saving.register_keras_serializable() in "
        "the plugin careless_plugin"
    )
    assert caught.value.__suppress_context__  # a traceback would print Keras' dump of the configuration


def test_a_layer_of_no_known_plugin(saved, tmp_path):
    def edit(config):
        config["config"]["provenance"] = None
        first_layer(config).update(module="m", class_name="Mine", registered_name="m>Mine")

    message = refused(edit_config(saved, tmp_path / "model.keras", edit))
    assert "the layer Mine is not registered" in message
    assert message.endswith("in the plugin or script that defines it")


def test_an_architecture_named_by_something_else_than_text(saved, tmp_path):
    def edit(config):
        config["config"]["provenance"]["encoder"]["architecture"] = ["small_cnn"]

    with pytest.warns(UserWarning, match="is missing"):
        assert isinstance(zoo.load_model(edit_config(saved, tmp_path / "model.keras", edit)), AutoEncoder)


@pytest.mark.slow
def test_a_model_of_own_parts_loads_where_only_the_zoo_is_imported(tmp_path):
    images, latents = keras.Input((8, 8, 1)), keras.Input((2,))
    encoder = keras.Model(images, zoo.layers.GaussianHead((2,))(images))
    decoder = keras.Model(latents, keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64)(latents)))
    model = zoo.AutoEncoder(encoder, decoder)
    model.compile("adam", kl_weight=zoo.schedules.LinearWarmUp(5))
    model.save(tmp_path / "own.keras")
    code = f"import zoo; assert zoo.load_model({str(tmp_path / 'own.keras')!r}).latent_shape == (2,)"
    subprocess.run([sys.executable, "-c", code], check=True)
