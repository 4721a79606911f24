"""zoo.autoencoder.optimizers.adam.Adam is Keras' optimizer: the same weights and state after every step."""

import keras
import numpy as np
import pytest

import zoo
from zoo.autoencoder.optimizers.adam import Adam

OPTIONS = [
    {}, {"amsgrad": True}, {"clipnorm": 0.5}, {"weight_decay": 0.1}, {"use_ema": True, "ema_overwrite_frequency": 2},
    {"gradient_accumulation_steps": 2}, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
    {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)},
]  # fmt: skip


def make():
    keras.utils.set_random_seed(3)
    layers = [keras.Input((4,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(2)]
    return keras.Sequential(layers)


CASES = [
    *(pytest.param(options, False, id="-".join(options) or "defaults") for options in OPTIONS),
    # XLA takes seconds for each.
    *(pytest.param(options, True, id=f"{'-'.join(options)}-jit", marks=pytest.mark.slow) for options in OPTIONS[1:]),
    pytest.param(OPTIONS[0], True, id="jit"),
]


@pytest.mark.parametrize(("options", "jit_compile"), CASES)
def test_equals_keras(options, jit_compile):
    if jit_compile and keras.backend.backend() == "torch":
        pytest.skip("PyTorch's compiler is a C++ compiler's")
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(24, 4)).astype("float32"), generator.normal(size=(24, 2)).astype("float32")
    models, optimizers = [make(), make()], []
    for cls, model in zip((Adam, keras.optimizers.Adam), models, strict=True):
        optimizers.append(cls(**{"learning_rate": 0.05, **options}))
        model.compile(optimizers[-1], "mse", jit_compile=jit_compile)
        model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
    states = [[*model.weights, *optimizer.variables] for model, optimizer in zip(models, optimizers, strict=True)]
    for ours, theirs in zip(*states, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-5)
    moved = np.abs(models[0].get_weights()[0] - make().get_weights()[0])
    assert moved.max() > 0.01


def test_models_of_the_zoo_have_it_and_keep_its_state(tmp_path):
    model = zoo.create_model("small_cnn", image_shape=(8, 8, 1), filters=[2], latent_dim=2)
    assert type(model.optimizer) is Adam
    model.fit(np.zeros((4, 8, 8, 1), "uint8"), verbose=0)
    model.save(tmp_path / "model.keras")
    same = zoo.load_model(tmp_path / "model.keras")
    assert type(same.optimizer) is Adam
    assert len(same.optimizer.variables) == len(model.optimizer.variables) > 10
    for ours, theirs in zip(same.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
