import keras
import numpy as np
import pytest
from keras import ops
from support.arrays import to_numpy
from support.gradients import gradients

from zoo.layers import GaussianHead, UpsampleConv2D, UpsampleTo, halved_sizes

LOWEST, HIGHEST = np.exp(-7.0), np.exp(7.0)


@pytest.fixture
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


every_policy = pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"], indirect=True)


@every_policy
def test_gaussian_head_computes_in_float32(policy):
    head = GaussianHead(5)
    features = ops.cast(np.random.default_rng(0).normal(size=(4, 3, 2, 6)), keras.config.dtype_policy().compute_dtype)
    mean, std = to_numpy(head(features))
    kernel, bias = (ops.convert_to_numpy(weight).astype("float64") for weight in head.weights)
    moments = ops.convert_to_numpy(ops.cast(features, "float32")).reshape(4, 36).astype("float64") @ kernel + bias
    assert mean.dtype == std.dtype == np.float32
    np.testing.assert_allclose(mean, moments[:, :5], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(std, np.exp(0.5 * 14 * np.tanh(moments[:, 5:] / 14)), rtol=1e-4)


@every_policy
def test_gaussian_head_is_float32_inside_a_model(policy):
    inputs = keras.Input((6, 6, 1))
    model = keras.Model(inputs, GaussianHead(3)(keras.layers.Conv2D(4, 3)(inputs)))
    assert [output.dtype for output in model.outputs] == ["float32", "float32"]
    assert [keras.backend.standardize_dtype(it.dtype) for it in model(np.ones((2, 6, 6, 1)))] == ["float32"] * 2


@every_policy
@pytest.mark.parametrize("size", [0.0, 1e3, 6e4])
def test_deviation_is_bounded_whatever_the_features(policy, size):
    head = GaussianHead(8)
    features = size * np.random.default_rng(1).choice([-1.0, 1.0], size=(16, 40))
    _, std = head(ops.cast(features, keras.config.dtype_policy().compute_dtype))
    std = ops.convert_to_numpy(std)
    assert (std >= LOWEST * 0.999).all()
    assert (std <= HIGHEST * 1.001).all()
    if size == 0:
        np.testing.assert_array_equal(std, 1.0)


@pytest.mark.parametrize("size", [1.0, 1e4, 1e30])
def test_gradients_stay_finite_for_huge_features(size):
    head = GaussianHead(4)
    features = np.random.default_rng(2).normal(scale=size, size=(3, 10)).astype("float32")
    assert np.isfinite(keras.ops.convert_to_numpy(head(features)[1])).all()

    def total(features, *weights):
        variables = list(zip(head.trainable_variables, weights, strict=True))
        with keras.StatelessScope(state_mapping=variables):
            _, std = head(features)
        return std + keras.ops.log(std)

    weights = [variable.numpy() for variable in head.trainable_variables]
    for gradient in gradients(total, features, *weights):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("features", "latent", "kernel"),
    [
        ((5, 4, 6), (5, 4, 3), (6, 6)),  # pixel by pixel
        ((5, 4, 6), (2, 2, 3), (120, 24)),
        ((5, 4, 6), (7,), (120, 14)),
        ((5, 4, 6), (4, 3), (120, 24)),
        ((12,), (2, 2, 3), (12, 24)),
    ],
)
def test_latent_shapes(features, latent, kernel):
    head = GaussianHead(latent)
    mean, std = to_numpy(head(np.random.default_rng(3).normal(size=(2, *features)).astype("float32")))
    assert mean.shape == std.shape == (2, *latent)
    assert tuple(head.weights[0].shape) == kernel
    assert head.compute_output_shape((None, *features)) == ((None, *latent), (None, *latent))
    assert not np.allclose(mean, np.log(std))


def test_spatial_latent_depends_on_its_own_pixel_alone():
    head = GaussianHead((4, 4, 2))
    features = np.random.default_rng(4).normal(size=(1, 4, 4, 3)).astype("float32")
    other = features.copy()
    other[0, 1, 2] += 1.0
    for before, after in zip(*to_numpy((head(features), head(other))), strict=True):
        changed = np.abs(before - after).max(axis=(0, 3)) > 0
        assert np.argwhere(changed).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "layer",
    [
        GaussianHead(16),
        GaussianHead((4, 4, 2)),
        UpsampleTo((7, 5)),
        UpsampleConv2D(3, (7, 5), kernel_initializer="he_normal"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_survives_serialization(layer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


def test_model_with_all_layers_survives_a_file(tmp_path):
    inputs = keras.Input((7, 5, 2))
    outputs = GaussianHead(3)(UpsampleConv2D(4, (25, 18))(UpsampleTo((13, 9))(inputs)))
    model = keras.Model(inputs, outputs)
    images = np.random.default_rng(5).normal(size=(2, 7, 5, 2)).astype("float32")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for before, after in zip(model(images), again(images), strict=True):
        np.testing.assert_array_equal(*to_numpy((before, after)))


@pytest.mark.parametrize("size", [(8, 6), (7, 5), (7, 6), (5, 4)])
def test_upsample_repeats_pixels_and_crops(size):
    features = np.random.default_rng(6).normal(size=(2, 4, 3, 5)).astype("float32")
    expected = features.repeat(2, axis=1).repeat(2, axis=2)[:, : size[0], : size[1]]
    layer = UpsampleTo(size)
    np.testing.assert_array_equal(to_numpy(layer(features)), expected)
    assert layer.compute_output_shape((None, 4, 3, 5)) == (None, *size, 5)


@pytest.mark.parametrize("size", [(9, 6), (8, 7)])
@pytest.mark.parametrize("layer", [UpsampleTo, lambda size: UpsampleConv2D(2, size)], ids=["plain", "convolving"])
def test_upsample_refuses_more_than_twice_the_size(layer, size):
    with pytest.raises(ValueError, match=rf"\(\({size[0]}, {size[1]}\)\) got features .*at least half"):
        layer(size)(np.zeros((1, 4, 3, 2), "float32"))


def make_pair(shape, size, filters, use_bias=True):
    """Return the layer, and the plain layers that it stands for with its weights."""
    fused = UpsampleConv2D(filters, size, use_bias=use_bias)
    plain = keras.layers.Conv2D(filters, 3, padding="same", use_bias=use_bias)
    fused.build((None, *shape))
    plain.build((None, 2 * shape[0], 2 * shape[1], shape[2]))
    random = np.random.default_rng(7)
    weights = [random.normal(size=weight.shape).astype("float32") for weight in fused.get_weights()]
    fused.set_weights(weights)
    plain.set_weights(weights)
    double = UpsampleTo((2 * shape[0], 2 * shape[1]))
    return fused, plain, lambda features: plain(double(features))[:, : size[0], : size[1]]


@pytest.mark.parametrize(
    ("shape", "size", "filters"),
    [((4, 3, 5), (8, 6), 2), ((4, 3, 5), (7, 5), 3), ((1, 1, 1), (2, 1), 1), ((5, 9, 2), (10, 17), 4)],
)
@pytest.mark.parametrize("use_bias", [True, False])
def test_upsampling_convolution_is_the_pair_of_layers(shape, size, filters, use_bias):
    fused, _, both = make_pair(shape, size, filters, use_bias)
    features = np.random.default_rng(8).normal(size=(3, *shape)).astype("float32")
    found, expected = (keras.ops.convert_to_numpy(layer(features)) for layer in (fused, both))
    assert found.shape == (3, *size, filters) == fused.compute_output_shape((3, *shape))
    np.testing.assert_allclose(found, expected, atol=1e-5)  # borders too
    slopes = ops.convert_to_tensor(np.random.default_rng(9).normal(size=found.shape), "float32")
    by_features = [gradients(lambda x, layer=layer: layer(x) * slopes, features)[0] for layer in (fused, both)]
    np.testing.assert_allclose(*by_features, atol=1e-4)


def test_upsampling_convolution_learns_as_the_pair_does():
    shape, size = (4, 3, 2), (7, 6)
    fused, plain, _ = make_pair(shape, size, 2)
    random = np.random.default_rng(10)
    features, targets = (random.normal(size=(16, *part, 2)).astype("float32") for part in ((4, 3), (7, 6)))
    inputs = keras.Input(shape)
    doubled = plain(UpsampleTo((8, 6))(inputs))
    cropped = keras.layers.Cropping2D(((0, 1), (0, 0)))(doubled)
    models = [keras.Model(inputs, fused(inputs)), keras.Model(inputs, cropped)]
    before = fused.get_weights()
    for model in models:
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.fit(features, targets, epochs=3, batch_size=8, shuffle=False, verbose=0)
    for begun, one, other in zip(before, fused.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
        assert np.abs(one - begun).max() > 0.1


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_upsampling_convolution_in_half_precision(policy):
    layer = UpsampleConv2D(3, (8, 6), dtype=policy)
    outputs = layer(np.ones((1, 4, 3, 2), "float32"))
    assert keras.backend.standardize_dtype(outputs.dtype) == policy.removeprefix("mixed_")
    assert np.isfinite(to_numpy(ops.cast(outputs, "float32"))).all()


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((28, 28, 1), [(28, 28), (14, 14), (7, 7)]),
        ((32, 32, 3), [(32, 32), (16, 16), (8, 8)]),
        ((31, 17, 1), [(31, 17), (16, 9), (8, 5)]),
        ((1, 1, 1), [(1, 1), (1, 1), (1, 1)]),
    ],
)
def test_halved_sizes_are_rounded_up(shape, sizes):
    assert halved_sizes(shape, 2) == sizes
    assert halved_sizes(shape, 0) == sizes[:1]


@pytest.mark.parametrize("shape", [(28, 28, 3), (31, 17, 3), (5, 8, 3)])
def test_pooling_and_upsampling_mirror_each_other(shape):
    sizes = halved_sizes(shape, 2)
    features = np.zeros((1, *shape), "float32")
    for size in sizes[1:]:
        features = keras.layers.MaxPooling2D(2, padding="same")(features)
        assert tuple(features.shape[1:3]) == size
    for size in reversed(sizes[:-1]):
        features = UpsampleTo(size)(features)
        assert tuple(features.shape[1:3]) == size
