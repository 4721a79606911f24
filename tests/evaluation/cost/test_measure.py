import json
import runpy
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import keras
import numpy as np
import pytest
from keras import layers
from support.small_models import BYTES, SHAPE

import zoo
from zoo.benchmarking.leaderboard import Leaderboard
from zoo.benchmarking.text import table_cells
from zoo.evaluation.cost import measure
from zoo.evaluation.cost.flops import count_flops
from zoo.evaluation.cost.measure import measure_cost

SCHEMA = json.loads((files("zoo.runs") / "run.schema.json").read_text())
MEMORY = Path(measure.__file__).with_name("memory.py")
COSTS = ("flops", "encode_ms", "decode_ms", "peak_memory_mb")


@pytest.fixture(scope="module")
def model():
    """8 x 8 images and three latents."""
    images, latents = keras.Input(SHAPE), keras.Input((3,))
    features = layers.Flatten()(layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(images))
    small = layers.Reshape((4, 4, 4))(layers.Dense(64)(layers.BatchNormalization()(latents)))
    values = layers.Conv2DTranspose(1, 3, strides=2, padding="same")(small)
    return zoo.AutoEncoder(
        keras.Model(images, zoo.layers.GaussianHead((3,))(features)), keras.Model(latents, values), seed=1
    )


def test_every_cost_is_there(model):
    measured = json.loads(json.dumps(measure_cost(model), allow_nan=False))
    assert set(measured) == {"parameters", *COSTS}
    assert measured["parameters"] == model.encoder.count_params() + model.decoder.count_params()
    # A 3 x 3 convolution from one channel to four, at 4 x 4 places, and a dense layer to mean and deviation.
    assert measured["flops"]["encoder"] == 2 * (4 * 4 * 9 * 1 * 4 + 4 * 4 * 4 * 2 * 3)
    # A dense layer to 4 x 4 pixels of four channels, and a transposed convolution of these to one channel.
    assert measured["flops"]["decoder"] == 2 * (3 * 4 * 4 * 4 + 4 * 4 * 9 * 4 * 1)
    for times in (measured["encode_ms"], measured["decode_ms"]):
        assert set(times) == {"1", "128"}
        assert all(milliseconds > 0 for milliseconds in times.values())
    assert measured["peak_memory_mb"] > 0


def test_evaluate_measures_it_if_asked_to(model):
    assert "cost" not in zoo.evaluate(model, BYTES)
    scores = zoo.evaluate(model, BYTES, cost=True)
    assert set(scores["cost"]) == {"parameters", *COSTS}
    assert scores["cost"]["parameters"] == scores["parameters"]


class Noise(layers.Layer):
    """A layer that draws in inference and counts its calls in a weight."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed = keras.random.SeedGenerator(5)
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs):
        self.calls.assign_add(1.0)
        return inputs + keras.random.normal(keras.ops.shape(inputs), seed=self.seed)


def test_weights_and_random_states_stay_as_they_are(model):
    inputs = keras.Input((3,))
    outputs = layers.Reshape(SHAPE)(layers.Dense(64)(layers.BatchNormalization()(Noise()(inputs))))
    noisy = zoo.AutoEncoder(model.encoder, keras.Model(inputs, outputs), seed=1)
    variables = [*noisy.variables, noisy.seed_generator.state]
    before = [np.array(variable) for variable in variables]
    np.random.seed(0)
    measure_cost(noisy)
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(np.array(variable), value)
    assert np.random.random() == np.random.RandomState(0).random_sample()


def test_a_batch_that_would_take_too_long_is_left_out(model, monkeypatch):
    monkeypatch.setattr(measure, "SECONDS_OF_A_CALL", 0.0)
    times = measure_cost(model)["encode_ms"]
    assert times["1"] > 0
    assert times["128"] is None


class TwoPlaces(zoo.AutoEncoder):
    """Its decoder takes the latent in two parts."""

    def __init__(self, encoder, decoder, two):
        super().__init__(encoder, decoder)
        self.decoder = two


def test_parts_of_other_inputs_have_no_cost(model):
    first, second = keras.Input((1,)), keras.Input((2,))
    values = layers.Dense(64)(layers.Concatenate()([first, second]))
    two = keras.Model([first, second], layers.Reshape(SHAPE)(values))
    measured = measure_cost(TwoPlaces(model.encoder, model.decoder, two))
    assert measured["flops"]["decoder"] is None
    assert measured["decode_ms"] is None
    assert measured["flops"]["encoder"] > 0
    assert measured["encode_ms"]["1"] > 0


@pytest.mark.skipif(sys.platform == "win32", reason="the size of a small process is that of Linux and macOS")
def test_peak_memory_is_that_of_this_process_and_never_falls():
    code = (
        f"import runpy; peak = runpy.run_path({str(MEMORY)!r})['peak_memory']; first = peak(); "
        "block = b'x' * (200 * 2**20); second = peak(); del block; print(first, second, peak())"
    )
    held = b"x" * (200 * 2**20)  # The peak of the process that starts another is not the other's.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second, last = map(float, done.stdout.split())
    assert runpy.run_path(str(MEMORY))["peak_memory"]() > len(held) / 2**20
    assert first < 150
    assert 199 < second - first < 250
    assert last == pytest.approx(second, abs=2)  # Linux counts in steps.


@pytest.fixture
def trained(tiny, few_pictures, tmp_path):
    return zoo.train("tiny_cnn/tiny", epochs=1, out=tmp_path, progress=False)


def test_runs_and_leaderboard_have_it(trained, tmp_path):
    record = json.loads((trained.path / "run.json").read_text())
    jsonschema.validate(record, SCHEMA)
    assert set(COSTS) <= set(record["cost"])
    (table,) = Leaderboard.from_runs([trained], tmp_path).tables
    (row,) = table.rows
    assert {name: row.to_dict()[name] for name in COSTS} == {name: record["cost"][name] for name in COSTS}
    header, cells = table_cells(table)
    shown = dict(zip(header, cells, strict=True))
    assert float(shown["MFLOPs"]) == pytest.approx(sum(record["cost"]["flops"].values()) / 1e6, abs=0.05)
    assert float(shown["decode ms"]) == pytest.approx(record["cost"]["decode_ms"]["1"], abs=0.05)
    check_means_over_runs(trained, record, tmp_path)
    check_run_from_before(trained, record, tmp_path)


def check_means_over_runs(run, record, folder):
    twin = zoo.Run(folder / "twin")
    twin.path.mkdir()
    config = record["config"] | {"seed": 1}
    times = {"1": record["cost"]["decode_ms"]["1"] + 3.0, "128": None}
    twin.save(record | {"config": config, "cost": record["cost"] | {"decode_ms": times, "peak_memory_mb": None}})
    (row,) = Leaderboard.from_runs([run, twin], folder).tables[0].rows
    assert row.seeds == (0, 1)
    assert row.cost.decode_ms == {"1": pytest.approx(record["cost"]["decode_ms"]["1"] + 1.5), "128": None}
    assert row.cost.flops == record["cost"]["flops"]
    assert row.cost.peak_memory_mb is None


def check_run_from_before(run, record, folder):
    old = record | {"cost": {name: value for name, value in record["cost"].items() if name not in COSTS}}
    jsonschema.validate(old, SCHEMA)
    run.save(old)
    (table,) = Leaderboard.from_runs([run], folder).tables
    assert all(table.rows[0].to_dict()[name] is None for name in COSTS)
    assert {"MFLOPs", "decode ms"}.isdisjoint(table_cells(table)[0])


def test_what_cannot_be_measured_is_null_and_warned_of(monkeypatch, caplog):
    def fail(*arguments):
        raise MemoryError("no room")

    model = zoo.create_model("small_cnn", image_shape=(8, 8, 1), filters=[4], latent_dim=2)
    monkeypatch.setattr(measure, "compile_call", fail)
    monkeypatch.setattr(measure, "count_flops", fail)
    measured = measure_cost(model)
    assert measured["flops"] == {"encoder": None, "decoder": None}
    assert measured["encode_ms"] is None
    assert measured["decode_ms"] is None
    assert measured["parameters"] > 0
    assert "time to decode cannot be measured: MemoryError: no room" in caplog.text


def test_times_are_medians_without_the_warm_up(monkeypatch):
    clock = [0.0]
    durations = iter([30.0, 2.0, 0.5, *[0.003, 0.004, 0.005] * 5, 90.0])
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    monkeypatch.setattr(measure, "SECONDS_AT_MOST", 60.0)

    def call(inputs):
        clock[0] += next(durations)

    assert measure._median_seconds(call, None) == pytest.approx(0.004)


def test_an_open_axis_cannot_be_counted():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("sizes are always known on JAX")
    import tensorflow as tf

    class Gram(keras.layers.Layer):
        def call(self, features):
            kept = tf.boolean_mask(features, features[:, 0] > 0)
            return features + tf.reduce_sum(tf.matmul(kept, kept, transpose_a=True)) + tf.einsum("ij,kj->", kept, kept)

        def compute_output_shape(self, input_shape):
            return input_shape

    inputs = keras.Input((3,))
    assert count_flops(keras.Model(inputs, Gram()(inputs))) is None
