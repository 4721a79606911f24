"""Training steps in bfloat16; all else in float32."""

import keras
import numpy as np
import pytest

import zoo
from zoo.autoencoder import precision
from zoo.layers import GaussianHead

SHAPE = (6, 6, 1)
IMAGES = np.random.default_rng(0).integers(0, 256, (16, *SHAPE)).astype("uint8")
seen = []


@keras.saving.register_keras_serializable(package="test_precision")
class Probe(keras.layers.Layer):
    """Tells what it is given."""

    def call(self, inputs):
        seen.append((self.name, keras.backend.standardize_dtype(inputs.dtype)))
        return inputs


@keras.saving.register_keras_serializable(package="test_precision")
class Scale(keras.layers.Layer):
    """Leaves its configuration to Keras, which keeps what ``__init__`` was given, so neither name nor type."""

    def __init__(self, layers=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = layers

    def call(self, inputs):
        return inputs * self.factor


def build_encoder(image_shape, latent_shape):
    images = keras.Input(image_shape)
    features = Probe(name="features")(keras.layers.Conv2D(4, 3, activation="relu")(images))
    features = Probe(name="exact", dtype="float32")(features)
    return keras.Model(images, GaussianHead(latent_shape)(features))


def build_decoder(latent_shape, output_shape):
    z = keras.Input(latent_shape)
    values = keras.layers.Dense(int(np.prod(output_shape)))(z)
    return keras.Model(z, Probe(name="output")(keras.layers.Reshape(output_shape)(values)))


@pytest.fixture
def model(clean_registry):
    zoo.register(zoo.Architecture("probed", "A network with probes", build_encoder, build_decoder, {"latent_dim": 3}))
    return zoo.create_model("probed", image_shape=SHAPE, likelihood="bernoulli", seed=0)


def dtypes(action):
    seen.clear()
    action()
    return dict(seen)


HALF = {"features": "bfloat16", "exact": "float32", "output": "bfloat16"}
FULL = dict.fromkeys(HALF, "float32")


def test_training_alone_is_in_bfloat16(model):
    model.compile(precision="bfloat16")
    assert dtypes(lambda: model.train_step(IMAGES)) == HALF
    assert dtypes(lambda: model.fit(IMAGES, verbose=0)) == HALF
    assert dtypes(lambda: model.evaluate(IMAGES)) == FULL
    for use in (model, model.predict, model.reconstruct, model.encode):
        assert "bfloat16" not in dtypes(lambda use=use: use(IMAGES)).values()
    assert {weight.dtype for weight in model.encoder.weights + model.decoder.weights} == {"float32"}
    mean, std = model.encode(IMAGES)
    assert mean.dtype == std.dtype == np.float32


def test_float32_on_request(model):
    model.compile(precision="float32")
    assert dtypes(lambda: model.fit(IMAGES, verbose=0)) == FULL


def test_validation_during_training_is_that_of_the_saved_model(model, tmp_path):
    model.compile(precision="bfloat16")
    history = model.fit(IMAGES, validation_data=IMAGES[:4], verbose=0).history
    model.save(tmp_path / "model.keras")
    same = zoo.load_model(tmp_path / "model.keras")
    assert same.precision == "bfloat16"
    np.testing.assert_array_equal(same.reconstruct(IMAGES), model.reconstruct(IMAGES))
    assert history["val_kl_loss"][0] == pytest.approx(same.evaluate(IMAGES[:4], verbose=0, return_dict=True)["kl_loss"])
    assert dtypes(lambda: same.fit(IMAGES, verbose=0)) == HALF


def test_gradients_are_those_of_float32_rounded(model):
    before, trained = model.get_weights(), model.trainable_variables
    start = np.concatenate([keras.ops.convert_to_numpy(weight).ravel() for weight in trained])
    steps = []
    for chosen in ("float32", "bfloat16"):
        model.set_weights(before)
        model.compile(keras.optimizers.SGD(1e-3), precision=chosen)
        model.seed_generator.state.assign(np.array([3, 0], model.seed_generator.state.dtype))
        model.train_step(IMAGES)
        steps.append(np.concatenate([keras.ops.convert_to_numpy(weight).ravel() for weight in trained]) - start)
    full, half = steps
    assert 0 < np.linalg.norm(full - half) < 0.05 * np.linalg.norm(full)


def test_a_policy_that_is_asked_for_is_kept(model):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        other = zoo.create_model("probed", image_shape=SHAPE, likelihood="bernoulli")
    finally:
        keras.config.set_dtype_policy(policy)
    assert other.decoder.compute_dtype == "float16"
    assert keras.config.dtype_policy() == policy


def test_layers_made_elsewhere_keep_their_policy():
    model = zoo.AutoEncoder(build_encoder(SHAPE, (3,)), build_decoder((3,), SHAPE))
    model.compile(precision="bfloat16")
    assert dtypes(lambda: model.fit(IMAGES, verbose=0)) == FULL


@pytest.mark.parametrize(
    ("facts", "chosen"),
    [
        ("flags : sse avx512f avx512_bf16\n", "bfloat16"),
        ("flags : amx_bf16", "bfloat16"),
        ("flags : avx512f", "float32"),
    ],
)
def test_auto_asks_the_processor(facts, chosen, tmp_path, monkeypatch):
    file = tmp_path / "cpuinfo"
    file.write_text(facts)
    monkeypatch.setattr(precision, "_CPU_FACTS", file)
    monkeypatch.setattr(precision, "_is_fast", precision._is_fast.__wrapped__)
    expected = chosen if keras.backend.backend() == "tensorflow" else "float32"
    assert precision.resolve_precision("auto") == expected
    file.unlink()
    assert precision.resolve_precision("auto") == "float32"
    assert [precision.resolve_precision(it) for it in ("float32", "bfloat16")] == ["float32", "bfloat16"]


@keras.saving.register_keras_serializable(package="test_precision")
class Stubborn(keras.layers.Layer):
    """Works in float32 alone."""

    def call(self, inputs):
        if keras.backend.backend() == "jax":
            import jax

            return jax.lax.add(inputs, keras.ops.ones(inputs.shape))  # JAX's other additions promote.
        if keras.backend.backend() == "torch":
            return inputs @ keras.ops.eye(inputs.shape[-1], dtype="float32")  # PyTorch's additions promote, too.
        return inputs + keras.ops.convert_to_tensor(np.ones(1, "float32"), "float32")


class Device:
    def __init__(self, capability, platform="gpu"):
        self.compute_capability, self.platform = capability, platform


@pytest.mark.parametrize(
    ("capabilities", "chosen"), [("9.0 8.0", "bfloat16"), ("8.6 7.5", "float32"), ("7.0", "float32"), ("?", "float32")]
)
def test_auto_asks_the_gpus(capabilities, chosen, monkeypatch):
    monkeypatch.setattr(precision, "_is_fast", precision._is_fast.__wrapped__)
    if keras.backend.backend() == "jax":
        import jax

        devices = [Device(it if it != "?" else "gfx90a") for it in capabilities.split()]
        monkeypatch.setattr(jax, "local_devices", lambda: devices)
    elif keras.backend.backend() == "torch":
        import torch

        found = [tuple(map(int, it.split("."))) if it != "?" else (0, 0) for it in capabilities.split()]
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(found))
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: found[index])
    else:
        import tensorflow as tf

        details = [
            {"compute_capability": tuple(map(int, it.split(".")))} if it != "?" else {} for it in capabilities.split()
        ]
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: details if kind == "GPU" else [])
        monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda device: device)
    assert precision.resolve_precision("auto") == chosen
    assert precision.resolve_precision("float32") == "float32"


def test_auto_is_float32_where_a_layer_needs_it(clean_registry, monkeypatch, caplog):
    def stubborn(latent_shape, output_shape):
        decoder = build_decoder(latent_shape, output_shape)
        return keras.Model(decoder.inputs, Stubborn()(decoder.outputs[0]))

    monkeypatch.setattr(precision, "_is_fast", lambda: True)
    zoo.register(zoo.Architecture("stubborn", "A layer without bfloat16", build_encoder, stubborn, {"latent_dim": 3}))
    model = zoo.create_model("stubborn", image_shape=SHAPE, likelihood="bernoulli")
    assert model.precision == "bfloat16"
    assert model.settle_precision() == "float32"
    assert "training in float32" in caplog.text
    assert dtypes(lambda: model.fit(IMAGES, verbose=0)) == FULL
    model.compile(precision="bfloat16")
    with pytest.raises(Exception, match="bfloat16"):
        model.fit(IMAGES, verbose=0)


def test_unknown_precision(model):
    for refused in (lambda: model.compile(precision="half"), lambda: zoo.Recipe(precision="float16")):
        with pytest.raises(ValueError, match="expected one of auto, float32, bfloat16"):
            refused()


@pytest.mark.parametrize("chosen", ["float32", "bfloat16"])
def test_a_run_tells_what_it_computed_in(tiny, few_pictures, tmp_path, chosen):
    run = zoo.train("tiny_cnn/tiny", epochs=1, out=tmp_path, precision=chosen, progress=False)
    assert run.record["provenance"]["precision"] == run.config["recipe"]["precision"] == chosen


@pytest.mark.parametrize("sequential", [False, True])
def test_layers_without_a_configuration_of_their_own_are_kept(model, tmp_path, sequential):
    images = keras.Input(SHAPE)
    body = keras.Sequential([keras.Input(SHAPE), Scale(layers=2.0), keras.layers.Conv2D(4, 3)])
    features = body(images) if sequential else keras.layers.Conv2D(4, 3)(Scale(layers=2.0)(images))
    encoder = keras.Model(images, GaussianHead(model.latent_shape)(features))
    built = zoo.AutoEncoder(encoder, model.decoder)
    built.compile()
    built.save(tmp_path / "model.keras")
    loaded = zoo.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.reconstruct(IMAGES), built.reconstruct(IMAGES), atol=1e-6)
