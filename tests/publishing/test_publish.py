"""From a run to a folder of weights, and back to the same model."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from scipy import stats
from support.published import PRESET, tiny_plugin, train_tiny

import zoo
from zoo.autoencoder.arrays import get_arrays
from zoo.benchmarking.verify import verify
from zoo.errors import ModelLoadError, RunError, WeightsNotFoundError
from zoo.publishing import publish
from zoo.publishing.rounding import compare_rounded
from zoo.runs.published import PublishedRun, open_run
from zoo.weights.arrays import round_arrays
from zoo.weights.folder import WeightsFolder, write_sums


@pytest.fixture(scope="module", autouse=True)
def plugin():
    with tiny_plugin() as record:
        yield record


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    return [train_tiny(out, seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def root(runs, tmp_path_factory):
    root = tmp_path_factory.mktemp("weights")
    publish(runs[1], root / "tiny_cnn" / "tiny", licence="MIT", importance_samples=5)
    return root


@pytest.fixture(scope="module")
def folder(root):
    return WeightsFolder(root / "tiny_cnn" / "tiny")


@pytest.fixture
def by_name(root, monkeypatch):
    monkeypatch.setenv("ZOO_WEIGHTS", str(root))


@pytest.fixture
def copied(runs, tmp_path):
    """A run folder of one's own to spoil."""
    shutil.copytree(runs[0].path, tmp_path / "run")
    return zoo.Run(tmp_path / "run")


def images():
    return zoo.load_dataset("tiny").test


def test_the_folder_is_whole(folder):
    names = {file.name for file in folder.path.iterdir()}
    assert names == {
        "config.json", "model.safetensors", "scores.json", "history.csv", "README.md", "SHA256SUMS",
        "reconstructions.png", "samples.png",
    }  # fmt: skip
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder.path, check=False, capture_output=True)
    assert checked.returncode == 0
    assert folder.sums.keys() == names - {"SHA256SUMS"}
    folder.check_card()


def test_the_model_is_the_one_trained(folder, runs):
    loaded, trained = get_arrays(zoo.load_model(folder.path)), get_arrays(runs[1].model)
    assert loaded.keys() == trained.keys()
    for name, array in trained.items():
        expected = array.astype("float16").astype("float32") if array.size >= 4096 else array
        np.testing.assert_array_equal(loaded[name], expected)
    assert any(array.size >= 4096 for array in trained.values())


def test_the_scores_are_those_of_what_is_stored(folder):
    again = zoo.evaluate(zoo.load_model(folder.path), images(), importance_samples=5)
    assert json.loads(json.dumps(again)) == folder.scores
    rounding = folder.config.rounding
    assert folder.config.dtype == "float16"
    assert rounding.kept
    assert rounding.after == folder.scores["negative_elbo"]
    assert abs(rounding.after - rounding.before) <= 0.02


def test_what_test_images_take_is_on_the_card(runs, tmp_path):
    pytest.importorskip("constriction")
    made = publish(runs[1], tmp_path / "made", compress=20)
    found = made.scores["compressed"]
    assert found["images"] == min(20, len(images()))
    assert found["bits_per_dim"] == pytest.approx(found["computed_bits_per_dim"], rel=0.02)
    # Of all images, and of other draws of z.
    assert found["computed_bits_per_dim"] == pytest.approx(made.scores["bits_per_dim"], rel=0.1)
    card = (made.path / "README.md").read_text()
    assert f"take {found['bits_per_dim']:.4f} bits per dimension, measured in the file" in card
    made.check_card()
    assert open_run(made.path).scores == made.scores


def test_by_name(folder, by_name):
    assert zoo.list_models("tiny*", weights=True) == [PRESET]
    assert PRESET not in zoo.list_models("small*", weights=True)
    model = zoo.create_model(PRESET, weights="default")
    expected = {"source": str(folder.path), "tag": "default", "sha256": folder.sha256}
    assert model.provenance["weights"] == expected
    assert model.provenance["trained_on"] == "tiny"
    assert f"default, SHA-256 {folder.sha256[:12]}" in model._repr_html_()
    np.testing.assert_array_equal(
        model.reconstruct(images().images[:2]), zoo.load_model(folder.path).reconstruct(images().images[:2])
    )


def test_summary_says_which_weights(folder, by_name):
    lines = []
    zoo.create_model(PRESET, weights="default").summary(print_fn=lambda text, **_: lines.append(text))
    assert lines[-1].startswith(f"weights: default, SHA-256 {folder.sha256[:12]}")
    zoo.create_model(PRESET).summary(print_fn=lambda text, **_: lines.append(text))
    assert "SHA-256" not in lines[-1]


def test_fit_goes_on_from_them(folder, by_name):
    model = zoo.create_model(PRESET, weights="default")
    before = model.evaluate(images().images, verbose=0, return_dict=True)["negative_elbo"]
    model.fit(zoo.load_dataset("tiny").train, epochs=3, verbose=0)
    assert model.evaluate(images().images, verbose=0, return_dict=True)["negative_elbo"] < before
    assert "weights" not in model.provenance
    assert model.provenance["started_from"]["sha256"] == folder.sha256


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"latent_dim": 5}, r"the latent shape is \(5,\): the trained weights of tiny_cnn/tiny are for \(3,\):"),
        ({"filters": [8]}, r"filters is \[8\]: the trained weights of tiny_cnn/tiny are for \(?\[?4"),
        ({"image_shape": (32, 32, 1)}, r"image_shape is \(32, 32, 1\): the trained .* are for \(28, 28, 1\)"),
        ({"likelihood": "bernoulli"}, "likelihood is 'bernoulli': the trained .* are for 'discretized_logistic'"),
    ],
)  # fmt: skip
def test_contradictions(by_name, options, words):
    with pytest.raises(ValueError, match=words):
        zoo.create_model(PRESET, weights="default", **options)


def test_what_agrees_may_be_said(by_name):
    agreed = {"latent_dim": 3, "filters": (4,), "image_shape": (28, 28, 1), "likelihood": "discretized_logistic"}
    assert zoo.create_model(PRESET, weights="default", **agreed).latent_shape == (3,)
    with pytest.raises(TypeError, match="unknown option 'x' for tiny_cnn"):
        zoo.create_model(PRESET, weights="default", x=1)
    with pytest.raises(TypeError, match="weights= takes the name of a preset"):
        zoo.create_model(encoder="tiny_cnn", decoder="tiny_cnn", weights="default", image_shape=(28, 28, 1))
    with pytest.raises(TypeError, match="needs a preset such as"):
        zoo.create_model("tiny_cnn", weights="default", image_shape=(28, 28, 1))
    with pytest.raises(TypeError, match="weights is 3: expected 'default'"):
        zoo.create_model(PRESET, weights=3)


def test_missing_weights_name_every_place(by_name, root, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(WeightsNotFoundError) as caught:
        zoo.create_model(PRESET, weights="long")
    said = str(caught.value)
    for place in (f"$ZOO_WEIGHTS ({root})", "the plugin's package (", f"the cache ({tmp_path}", "and the hub"):
        assert place in said
    assert "there are 'default'" in said
    with pytest.raises(WeightsNotFoundError, match="there is no such folder"):
        zoo.create_model(PRESET, weights="./nowhere")
    with pytest.raises(WeightsNotFoundError, match=r"weights='\*': expected 'default', a tag"):
        zoo.create_model(PRESET, weights="*")


def test_places_come_in_order(folder, by_name, monkeypatch, tmp_path):
    """The cache is looked at last, the package before it, and $ZOO_WEIGHTS first."""
    from zoo.weights.sources import find_weights

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    preset = zoo.registry.catalogue.preset(PRESET)
    record = preset.architecture.plugin
    places = [tmp_path / "zoo/weights/tiny_cnn/tiny", tmp_path / "package/weights/tiny", folder.path]
    before = record.folder
    object.__setattr__(record, "folder", str(tmp_path / "package"))
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path / "empty"))
    for place in places[:2]:
        shutil.copytree(folder.path, place)
        assert find_weights("default", preset).path == place
    monkeypatch.setenv("ZOO_WEIGHTS", str(folder.path.parent.parent))
    assert find_weights("default", preset).path == folder.path
    object.__setattr__(record, "folder", before)


def test_another_tag(runs, root, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path))
    publish(runs[0], tmp_path / "tiny_cnn" / "tiny@long", tag="long")
    assert zoo.list_models("tiny*", weights=True) == [f"{PRESET}@long"]
    assert zoo.create_model(PRESET, weights="long").provenance["weights"]["tag"] == "long"
    (tmp_path / "tiny_cnn" / "tiny@long").rename(tmp_path / "tiny_cnn" / "tiny")
    with pytest.raises(ModelLoadError, match="has the weights 'long': expected 'default'"):
        zoo.create_model(PRESET, weights="default")


def test_it_reads_as_a_finished_run(folder, runs):
    run = open_run(folder.path)
    assert isinstance(run, PublishedRun)
    assert run.state == "finished"
    assert run.doubts() == []
    config = run.config
    assert config == {**runs[1].config, "options": {"filters": [4], "latent_dim": 3}}
    assert run.best == runs[1].best
    assert run.history == runs[1].history
    compared = zoo.compare(publish_free(runs[1]), publish_free(run))
    assert abs(compared["difference"]["kl"]) < 0.02
    (folder.path / "history.csv").touch()
    assert run.doubts() == []


def publish_free(run):
    """Return a run's scores without the bound, which only the weights have."""
    return {**run.scores, "iwae": None}


def test_the_card(folder, runs):
    text = (folder.path / "README.md").read_text("utf-8")
    _, front, body = text.split("---\n", 2)
    metadata = yaml.safe_load(front)
    assert metadata["license"] == "mit"
    (model,) = metadata["model-index"]
    (result,) = model["results"]
    assert result["dataset"]["revision"] == folder.scores["data"]["sha256"]
    metrics = {metric["type"]: metric for metric in result["metrics"]}
    assert metrics["negative_elbo"]["value"] == folder.scores["negative_elbo"]
    values = [run.scores["negative_elbo"] for run in runs]
    low, high = stats.t.interval(0.95, 1, np.mean(values), stats.sem(values))
    given = metrics["negative_elbo"]["args"]
    assert given["seeds"] == 2
    assert [given["low"], given["high"]] == pytest.approx([low, high])
    assert f"{np.mean(values):,.2f} ± {high - np.mean(values):,.2f}" in body
    assert f"{folder.config.rounding.after:,.4f} with the rounded ones" in body
    for words in ("Trained on the first split", "k = 5", "epoch 2 of 2", "licensed under MIT", "## Limits"):
        assert words in body


def test_the_hubs_client_reads_the_card(folder):
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard.load(folder.path / "README.md")
    (found,) = [it for it in card.data.eval_results if it.metric_type == "negative_elbo"]
    assert found.metric_value == folder.scores["negative_elbo"]
    assert found.dataset_split == "test"


@pytest.mark.parametrize("name", ["run.json", "model.keras", "history.csv"])
def test_a_changed_run_is_refused(copied, tmp_path, name):
    with (copied.path / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(RunError, match=f"{name} is not the file that the run wrote"):
        publish(copied, tmp_path / "w")
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "interrupted"}, "the run is interrupted, not finished"),
        ({"scores": None}, "the run has no scores"),
        (lambda it: it["scores"]["data"].update(sha256=None), "images that nobody else finds by this name"),
        (lambda it: it["config"].update(dataset="folder:/x"), "trained on 'folder:/x', images that nobody else finds"),
        (lambda it: it["config"].update(data="0"), "images that nobody else finds"),
        (lambda it: it["scores"]["data"].update(sha256="0" * 64), "are not those that the run was scored on"),
        (lambda it: it["scores"].update(negative_elbo=1.0), "its -ELBO is 1.0, but"),
    ],
    ids=["unfinished", "scores", "hash", "folder", "memory", "images", "score"],
)
def test_other_runs_are_refused(copied, tmp_path, changes, words):
    record = json.loads((copied.path / "run.json").read_text())
    changes(record) if callable(changes) else record.update(changes)
    (copied.path / "run.json").write_text(json.dumps(record))
    copied.save_checksums()
    with pytest.raises(RunError, match=words):
        publish(zoo.Run(copied.path), tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_nothing_is_overwritten_in_silence(folder, runs, tmp_path):
    with pytest.raises(RunError, match=r"exists already: choose another folder or tag, or overwrite=True"):
        publish(runs[1], folder.path)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="exists already"):
        publish(runs[1], tmp_path, overwrite=True)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    with pytest.raises(RunError, match=r"tag '\.\./x': expected letters"):
        publish(runs[1], tmp_path / "w", tag="../x")


def test_overwriting(folder, runs, tmp_path):
    shutil.copytree(folder.path, tmp_path / "w")
    assert publish(runs[0], tmp_path / "w", overwrite=True).config.seed == 0


@pytest.mark.slow
def test_paths_of_this_machine_stay_here(runs, tmp_path):
    run = train_tiny(tmp_path / "runs", start=runs[0].path, epochs=1)
    made = publish(run, tmp_path / "w")
    assert made.config.run["provenance"]["start"]["path"] == "model.keras"
    content = (made.path / "config.json").read_text()
    assert str(tmp_path) not in content


def test_rounding():
    small = np.full(4095, 1.0001, "float32")
    arrays = {"a": np.full(4096, 1.0001, "float32"), "small": small, "n": np.full(5000, 70_000)}
    rounded = round_arrays(arrays)
    assert rounded["a"].dtype == np.float16
    assert rounded["small"] is small
    assert rounded["n"].dtype == arrays["n"].dtype
    assert round_arrays({"a": np.full(4096, 70_000.0, "float32")}) is None


@pytest.mark.parametrize(("change", "kept"), [(0.019, True), (-0.019, True), (0.021, False)])
def test_what_rounding_may_cost_on_mnist(change, kept):
    before = {"negative_elbo": 90.0}
    found = compare_rounded(before, {"negative_elbo": 90.0 + change}, (28, 28, 1))
    assert found.kept == kept
    assert found.after - found.before == pytest.approx(change)


def test_the_light_parts_import_no_keras():
    code = "import sys, zoo; print(zoo.list_models(weights=True), 'keras' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("False False")


def test_what_test_images_take_is_verified(runs, tmp_path):
    pytest.importorskip("constriction")
    made = publish(runs[1], tmp_path / "made", compress=20)
    assert verify(made.path)[0].status == "verified"
    scores = json.loads((made.path / "scores.json").read_text())
    for wrong in ({"bits_per_dim": 1.0}, {"images": 0}, {"images": None}):
        (made.path / "scores.json").write_text(json.dumps(scores | {"compressed": scores["compressed"] | wrong}))
        write_sums(made.path)
        (verdict,) = verify(made.path)
        assert verdict.status == "failed"
        assert "compressed." in str(verdict)
