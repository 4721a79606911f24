"""The flow's density and inverse against Jacobians by differences, and what learns against what draws."""

import numpy as np
import pytest
from keras import ops
from support.small_models import make_model

from zoo.samplers import made
from zoo.samplers.flow import Flow, MaskedAutoregressiveFlow
from zoo.samplers.sampler import Facts
from zoo.samplers.two_stage import SecondStage, TwoStage

random = np.random.default_rng(0)


def draw_arrays(shapes, scale=0.6):
    arrays = {name: scale * random.standard_normal(shape) for name, shape in shapes.items()}
    return arrays | {"scale": np.exp(arrays["scale"])} if "scale" in arrays else arrays


def jacobian(function, x, step=1e-6):
    columns = [(function(x + step * unit) - function(x - step * unit)) / (2 * step) for unit in np.eye(len(x))]
    return np.stack(columns, axis=1)


def facts(name, latents, **options):
    return Facts(1, name, options, None, "", (latents,), None, None, 1, 0, "")


class Given:
    """A generator whose noise is known."""

    def __init__(self, noise):
        self.noise = noise

    def standard_normal(self, shape):
        assert shape == self.noise.shape
        return self.noise


@pytest.mark.parametrize("latents", [1, 2, 5])
@pytest.mark.parametrize("block", [0, 1])
def test_a_block_sees_what_is_before_and_comes_back(latents, block):
    own = made.Block(draw_arrays(made.shapes(latents, 7)), block)
    x = random.standard_normal((4, latents))
    u, log_determinant = own.forward(x)
    np.testing.assert_allclose(own.inverse(u), x, atol=1e-10)
    for row, expected in zip(x, log_determinant, strict=True):
        found = jacobian(lambda it: own.forward(it[None])[0][0], row)
        order = slice(None, None, -1) if block else slice(None)
        np.testing.assert_allclose(np.triu(found[order, order], 1), 0, atol=1e-8)
        assert np.linalg.slogdet(found)[1] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("latents", [1, 3])
def test_the_density_is_that_of_what_is_drawn(latents):
    from zoo.samplers.flow import shapes

    model = make_model(latent=latents)
    sampler = MaskedAutoregressiveFlow.restore(
        model, facts("masked_autoregressive_flow", latents, blocks=3, width=6), draw_arrays(shapes(latents, 6, 3))
    )
    noise = random.standard_normal((5, latents))
    z = sampler.draw(5, Given(noise))
    for row, drawn in zip(noise, z, strict=True):
        found = jacobian(lambda it: sampler.draw(1, Given(it[None]))[0], row)
        expected = -0.5 * (row**2 + np.log(2 * np.pi)).sum() - np.linalg.slogdet(found)[1]
        assert sampler.log_prob(drawn[None])[0] == pytest.approx(expected, abs=1e-4)


def test_what_learns_has_the_density_of_what_draws():
    network, model = Flow(3, 8, 2, seed=0), make_model()
    x = random.standard_normal((6, 3))
    # At first it is the identity.
    expected = 0.5 * (x**2 + np.log(2 * np.pi)).sum(axis=1)
    np.testing.assert_allclose(ops.convert_to_numpy(network(x.astype("float32"))), expected, rtol=1e-5)
    for weight in network.weights:
        weight.assign(random.standard_normal(weight.shape) * 0.5)
    arrays = {**network.arrays(), "shift": np.zeros(3), "scale": np.ones(3)}
    sampler = MaskedAutoregressiveFlow.restore(model, facts("flow", 3, blocks=2, width=8), arrays)
    np.testing.assert_allclose(ops.convert_to_numpy(network(x.astype("float32"))), -sampler.log_prob(x), rtol=1e-4)


def test_the_second_stage_by_hand():
    network, model = SecondStage(3, 5, seed=0), make_model()
    x = random.standard_normal((6, 3))
    network(x.astype("float32"))
    for weight in network.weights:
        weight.assign(np.zeros(weight.shape, weight.dtype))
    # The posterior is the prior and the decoder gives zeros: what is left is the density of N(0, 1).
    expected = 0.5 * (x**2 + np.log(2 * np.pi)).sum(axis=1)
    np.testing.assert_allclose(ops.convert_to_numpy(network(x.astype("float32"))), expected, rtol=1e-5)
    for weight in network.trainable_weights:
        weight.assign(random.standard_normal(weight.shape) * 0.4)
    own = network.decoder_arrays()
    arrays = {**own, "shift": np.array([1.0, 2.0, 3.0]), "scale": np.array([0.5, 1.0, 2.0])}
    sampler = TwoStage.restore(model, facts("two_stage", 3, width=5), arrays)
    noise = random.standard_normal((2, 6, 3))
    hidden = noise[0]
    for layer in network.decoder_layers:
        hidden = ops.convert_to_numpy(layer(hidden.astype("float32")))
    out = ops.convert_to_numpy(network.output_layer(np.concatenate([hidden, noise[0]], axis=1).astype("float32")))
    expected = (out + np.exp(own["log_scale"]) * noise[1]) * arrays["scale"] + arrays["shift"]
    np.testing.assert_allclose(sampler.draw(6, Given(noise)), expected, rtol=1e-4, atol=1e-4)
