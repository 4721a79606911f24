"""Likelihoods that users write: what their methods are given."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats
from support.small_models import BYTES, IMAGES, SHAPE, make_parts

import zoo
from zoo.likelihoods import Likelihood

METHODS = ("call", "log_prob", "_log_prob", "mean", "sample")
seen = []


def note(method, *tensors):
    seen.extend((method, keras.backend.standardize_dtype(tensor.dtype)) for tensor in tensors)


@keras.saving.register_keras_serializable("test_likelihood")
class Laplace(Likelihood):
    """Overrides log_prob as a whole, without a cast; splits would mix two types if there were two."""

    support = "real"
    parameters_per_channel = 2

    def log_prob(self, images, parameters):
        note("log_prob", images, parameters)
        location, log_scale = ops.split(parameters, 2, axis=-1)
        log_scale = ops.clip(log_scale, -7.0, 3.0)
        values = -ops.abs(images - location) / ops.exp(log_scale) - log_scale - np.log(2.0).astype("float32")
        return ops.sum(values, axis=(1, 2, 3))

    def mean(self, parameters):
        note("mean", parameters)
        return ops.clip(ops.split(parameters, 2, axis=-1)[0], 0.0, 1.0)

    def sample(self, parameters, seed=None):
        note("sample", parameters)
        return self.mean(parameters)


class PerValue(Laplace):
    """Overrides the others."""

    def call(self, y_true, y_pred):
        note("call", y_true, y_pred)
        return -self.log_prob(y_true, y_pred)

    def log_prob(self, x, raw):
        return Likelihood.log_prob(self, x, raw)

    def _log_prob(self, x, raw):
        note("_log_prob", x, raw)
        return -ops.square(x - ops.split(raw, 2, axis=-1)[0])


@keras.saving.register_keras_serializable("test_likelihood")
class OwnBound(zoo.AutoEncoder):
    """Calls the decoder by itself, as a subclass with another prior does."""

    def elbo_terms(self, images, *, z=None, training=False):
        images = self.prepare(images)
        mean, std = self.encoder(images, training=training)
        z = mean + std * keras.random.normal(ops.shape(mean), seed=self.seed_generator) if z is None else z
        kl = ops.sum(0.5 * (ops.square(mean) + ops.square(std) - 1.0) - ops.log(std), axis=-1)
        return -self.likelihood.log_prob(images, self.decoder(z, training=training)), kl


@pytest.fixture(params=["float32", "mixed_bfloat16", "mixed_float16", "bfloat16 steps"])
def settings(request):
    """Every way of computing in another precision: Keras' policies, and the zoo's training steps."""
    before = keras.config.dtype_policy()
    if request.param != "bfloat16 steps":
        keras.config.set_dtype_policy(request.param)
    yield {"precision": "bfloat16" if request.param == "bfloat16 steps" else "float32"}
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("kind", [zoo.AutoEncoder, OwnBound])
@pytest.mark.parametrize("likelihood", [Laplace, PerValue])
def test_own_methods_get_float32_in_every_precision(settings, kind, likelihood):
    seen.clear()
    model = kind(*make_parts(channels=2), likelihood=likelihood(), seed=0)
    model.compile("sgd", **settings)
    loss = model.train_on_batch(BYTES[:4], return_dict=True)["loss"]
    assert np.isfinite(loss)
    assert np.isfinite(zoo.evaluate(model, BYTES[:4])["negative_elbo"])
    for images in (model.reconstruct(IMAGES[:2]), model.sample(2, seed=0)):
        assert images.dtype == np.float32
    assert {method for method, _ in seen} >= {"log_prob" if likelihood is Laplace else "_log_prob", "mean"}
    assert {dtype for _, dtype in seen} == {"float32"}


@pytest.mark.parametrize("method", METHODS)
def test_each_method_converts_what_it_is_given(method):
    seen.clear()
    likelihood, parameters = PerValue(), ops.cast(np.full((2, *SHAPE[:2], 2), 0.25), "bfloat16")
    function = getattr(likelihood, method)
    if method in ("mean", "sample"):
        found = [function(parameters), function(parameters=parameters)]
    else:
        names = {"call": ("y_true", "y_pred")}.get(method, ("x", "raw"))
        found = [
            function(BYTES[:2], parameters),
            function(**dict(zip(names, (BYTES[:2], parameters), strict=True))),
            function(IMAGES[:2].astype("float64"), parameters),
        ]
    assert {dtype for _, dtype in seen} == {"float32"}
    for other in found[1:]:
        # Bytes and the same images as float64 are rescaled in another order.
        np.testing.assert_allclose(*map(ops.convert_to_numpy, (found[0], other)), rtol=1e-5)


def test_an_own_density_matches_scipy_for_bytes():
    raw = np.random.default_rng(0).uniform(-2, 2, size=(len(BYTES), *SHAPE[:2], 2)).astype("float32")
    location, log_scale = np.split(raw.astype("float64"), 2, axis=-1)
    expected = stats.laplace.logpdf(BYTES / 255, location, np.exp(log_scale)).sum(axis=(1, 2, 3))
    for images in (BYTES, IMAGES):
        found = ops.convert_to_numpy(Laplace().log_prob(images, ops.convert_to_tensor(raw)))
        np.testing.assert_allclose(found, expected, rtol=1e-5)
