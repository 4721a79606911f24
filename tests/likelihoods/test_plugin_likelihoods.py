"""Likelihoods of plugins, by name: in models, recipes, runs, benchmarks and saved files."""

import json
import sys

import numpy as np
import pytest
from scipy import stats
from support.installation import run
from support.paths import ROOT, SUPPORT

import zoo
from zoo.benchmarking.cells import Cell
from zoo.benchmarking.executor import ThisProcess
from zoo.errors import ModelLoadError, PluginLoadError, UnknownNameError
from zoo.likelihoods import Bernoulli, Gaussian
from zoo.registry import catalogue

PLUGIN = SUPPORT / "laplace.py"
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 1), np.uint8)
TINY = {"image_shape": (6, 5, 1), "filters": [4], "latent_dim": 2}
LOADING = """
import sys, zoo
assert "keras" not in sys.modules
print(zoo.load_model(sys.argv[1]).likelihood.identifier)
"""


@pytest.fixture
def laplace(clean_registry):
    catalogue.load_plugin(str(PLUGIN))
    return zoo.likelihoods.get("laplace")


def test_a_name_gives_a_likelihood(laplace):
    assert laplace.output_channels(3) == 6
    assert (laplace.identifier, zoo.likelihoods.get("wide_laplace").identifier) == ("laplace", "wide_laplace")
    assert type(laplace)(0.5).identifier == "Laplace(least=0.5)"
    raw = np.random.default_rng(0).normal(size=(4, 6, 5, 2)).astype("float32")
    scale = 1e-3 + np.logaddexp(0, raw[..., 1:].astype("float64") - 2)
    expected = stats.laplace.logpdf(IMAGES / 255, 0.5 + raw[..., :1], scale).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(np.asarray(laplace.log_prob(IMAGES, raw)), expected, rtol=1e-4)


@pytest.mark.slow
def test_models_take_the_name_and_keep_it(laplace, tmp_path, write_registry):
    model = zoo.create_model("small_cnn", likelihood="wide_laplace", **TINY)
    assert model.decoder.output_shape[1:] == (6, 5, 2)
    assert model.provenance["likelihood"]["likelihood"] == "wide_laplace"
    model.fit(IMAGES, verbose=0)
    scores = zoo.evaluate(model, IMAGES, metrics=[])
    assert scores["likelihood"] == "wide_laplace"
    assert (scores["bits_per_dim"], np.isfinite(scores["negative_elbo"])) == (None, True)
    model.save(tmp_path / "model.keras")
    assert zoo.load_model(tmp_path / "model.keras").likelihood.least == 0.1
    model.compile("adam", loss="laplace")
    model.save(tmp_path / "compiled.keras")
    registry = str(write_registry(f"plugins: ['{PLUGIN}']\n"))
    for name, identifier in (("model", "wide_laplace"), ("compiled", "laplace")):
        settings = {"PYTHONPATH": str(ROOT), "ZOO_REGISTRY": registry}
        printed = run(sys.executable, "-c", LOADING, tmp_path / f"{name}.keras", cwd=tmp_path, **settings)
        assert printed.split()[-1] == identifier


def test_a_model_without_its_plugin_says_what_is_missing(laplace, tmp_path, monkeypatch):
    zoo.create_model("small_cnn", likelihood="laplace", **TINY).save(tmp_path / "model.keras")
    monkeypatch.setattr(catalogue, "_registered", {})
    zoo.refresh()
    with pytest.warns(
        UserWarning, match=r"likelihood 'laplace' of plugin 'laplace' is missing: .*it was loaded anyway"
    ):
        zoo.load_model(tmp_path / "model.keras")
    with monkeypatch.context() as patch:
        patch.setattr("keras.saving.get_registered_object", lambda *_, **__: None)
        patch.setattr(
            "zoo.saving.load.keras.saving.load_model", lambda *_, **__: (_ for _ in ()).throw(TypeError("no"))
        )
        with pytest.raises(ModelLoadError, match="likelihood 'laplace' of plugin 'laplace' is missing: run the code"):
            zoo.load_model(tmp_path / "model.keras")


def test_presets_runs_and_benchmarks_take_the_name(laplace, tiny, few_pictures, tmp_path, write_registry, monkeypatch):
    path = write_registry(f"plugins: ['{PLUGIN}']\npresets: {{'*/tiny-real': {{recipe: {{likelihood: laplace}}}}}}\n")
    monkeypatch.setenv("ZOO_REGISTRY", str(path))
    monkeypatch.setattr(catalogue, "_registered", {})
    zoo.refresh()
    run_ = zoo.train("tiny_cnn/tiny", likelihood="laplace", epochs=1, out=tmp_path / "runs", progress=False)
    assert run_.scores["likelihood"] == "laplace"
    assert run_.scores["metrics"]["mae"]["digits"] == 4
    assert zoo.get_model_info("tiny_cnn/tiny-real").recipe["likelihood"] == "laplace"
    board = zoo.benchmark(
        "tiny_cnn/tiny-real", epochs=1, full=True, out=tmp_path / "bench", progress=False, executor=ThisProcess()
    )
    assert [table.likelihood for table in board.tables] == ["laplace"]
    assert not Cell("tiny_cnn/tiny-real", 0).is_of_this_process


def test_what_is_registered_here_is_trained_here(clean_registry, tiny):
    zoo.register(zoo.LikelihoodSpec("mine", "x", Gaussian))
    assert Cell("tiny_cnn/tiny", 0, {"likelihood": "mine"}).is_of_this_process
    assert not Cell("tiny_cnn/tiny", 0).is_of_this_process


def test_unknown_names_have_suggestions_of_every_kind(laplace):
    with pytest.raises(
        UnknownNameError, match=r"'laplce': did you mean 'laplace'.*zoo list --likelihoods \(or a Keras"
    ):
        zoo.likelihoods.get("laplce")
    with pytest.raises(ValueError, match="'laplace:3': laplace has no components: expected 'laplace'"):
        zoo.likelihoods.get("laplace:3")
    with pytest.raises(UnknownNameError, match="did you mean 'laplace'"):
        zoo.create_model("small_cnn", likelihood="laplac", **TINY)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("absent_module:Laplace", "likelihood mine of plugin .*'absent_module:Laplace' cannot be made: ModuleNotFound"),
        (lambda: 3, "gives 3: expected a zoo.likelihoods.Likelihood"),
        (lambda needed: 3, "cannot be made: TypeError: .*needed"),
    ],
)
def test_likelihoods_that_cannot_be_made(clean_registry, made, message):
    zoo.register(zoo.LikelihoodSpec("mine", "x", made))
    with pytest.raises(PluginLoadError, match=message):
        zoo.likelihoods.get("mine")
    assert Bernoulli().identifier == "bernoulli"  # Others are not affected.


def test_the_command_lists_them(laplace, command):
    listed = {item["name"]: item["summary"] for item in json.loads(command("list", "--likelihoods", "--json").stdout)}
    assert listed["laplace"] == "A Laplace density of each value, of a learned scale (plugin laplace)"
    assert "gaussian" in listed
    assert "mae" in command("list", "--metrics").stdout
    assert command("list", "--likelihoods", "lap*").stdout.count("laplace") >= 1
    assert "nothing matches 'absent*'" in command("list", "--metrics", "absent*").stderr
