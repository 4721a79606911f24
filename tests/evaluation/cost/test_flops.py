import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.evaluation.cost.flops import count_flops

ROWS, COLUMNS = 6, 7
WEIGHTS = np.full((COLUMNS, COLUMNS), 0.1, "float32")
PRODUCT = 2 * ROWS * COLUMNS * COLUMNS  # of a (6, 7) and a (7, 7) matrix
# PyTorch runs Python: it counts every turn of a loop, one of two branches, and what is computed in vain.
TORCH = keras.backend.backend() == "torch"


def looping(count):
    return count if TORCH else None


def build(layer, shape):
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


class Computing(layers.Layer):
    """A layer that computes what a function of one tensor says."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, inputs):
        return self.function(inputs)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape)


def multiply(values):
    return ops.matmul(values, WEIGHTS)


# Kernels are 3 x 3, from two channels; the image is 7 x 9. A stride of two gives 4 x 5, a valid one 5 x 7.
@pytest.mark.parametrize(
    ("layer", "positions", "each"),
    [
        (layers.Conv2D(4, 3, padding="same"), 7 * 9, 3 * 3 * 2 * 4),
        (layers.Conv2D(4, 3, padding="valid"), 5 * 7, 3 * 3 * 2 * 4),
        (layers.Conv2D(4, 3, strides=2, padding="same"), 4 * 5, 3 * 3 * 2 * 4),
        (layers.Conv2D(4, 3, strides=2, padding="valid"), 3 * 4, 3 * 3 * 2 * 4),
        (layers.Conv2D(4, 3, dilation_rate=2, padding="same"), 7 * 9, 3 * 3 * 2 * 4),
        (layers.Conv2D(4, 3, dilation_rate=2, padding="valid"), 3 * 5, 3 * 3 * 2 * 4),
        (layers.Conv2D(4, 3, groups=2, padding="same"), 7 * 9, 3 * 3 * 1 * 4),
        (layers.Conv2D(4, (1, 5), padding="same"), 7 * 9, 1 * 5 * 2 * 4),
        (layers.Conv2DTranspose(4, 3, strides=2, padding="same"), 7 * 9, 3 * 3 * 2 * 4),
        (layers.Conv2DTranspose(4, 3, strides=2, padding="valid"), 7 * 9, 3 * 3 * 2 * 4),
        (layers.Conv2DTranspose(4, 3, padding="valid"), 7 * 9, 3 * 3 * 2 * 4),
        (layers.Conv2DTranspose(4, (2, 5), strides=(3, 1), padding="same"), 7 * 9, 2 * 5 * 2 * 4),
        (layers.DepthwiseConv2D(3, depth_multiplier=5, padding="same"), 7 * 9, 3 * 3 * 2 * 5),
        (layers.DepthwiseConv2D(3, dilation_rate=2, padding="same"), 7 * 9, 3 * 3 * 2),
        (layers.SeparableConv2D(5, 3, padding="same"), 7 * 9, 3 * 3 * 2 + 2 * 5),
    ],
)
def test_convolutions(layer, positions, each):
    assert count_flops(build(layer, (7, 9, 2))) == 2 * positions * each


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (layers.Conv1D(5, 3, padding="causal"), (8, 2), 2 * 8 * 3 * 2 * 5),
        (layers.Conv1D(5, 3, dilation_rate=2, padding="same"), (7, 2), 2 * 7 * 3 * 2 * 5),
        (layers.Conv1DTranspose(5, 3, strides=2), (8, 2), 2 * 8 * 3 * 2 * 5),
        (layers.Conv3D(5, 3), (7, 5, 4, 2), 2 * (5 * 3 * 2) * 27 * 2 * 5),
        (layers.Conv3DTranspose(5, 3, strides=2), (3, 2, 2, 2), 2 * (3 * 2 * 2) * 27 * 2 * 5),
        (layers.Dense(5), (7,), 2 * 7 * 5),
        (layers.Dense(5), (4, 7), 2 * 4 * 7 * 5),
        (layers.TimeDistributed(layers.Dense(5)), (4, 7), 2 * 4 * 7 * 5),
        # Queries, keys and values; their products; what comes out of them. Two heads of three.
        (
            lambda x: layers.MultiHeadAttention(2, 3)(x, x),
            (6, 7),
            3 * (2 * 6 * 7 * 6) + 2 * (2 * 2 * 6 * 6 * 3) + 2 * 6 * 6 * 7,
        ),
        (layers.LSTM(5), (6, 7), looping(6 * 2 * (7 + 5) * 4 * 5)),
    ],
)
def test_other_layers(layer, shape, expected):
    assert count_flops(build(layer, shape)) == expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (multiply, PRODUCT),
        (lambda x: ops.matmul(ops.transpose(x, (0, 2, 1)), x), 2 * 7 * 6 * 7),
        (lambda x: ops.einsum("brc,bsc->brs", x, x), 2 * 6 * 6 * 7),
        (lambda x: ops.einsum("...rc,cd->...rd", x, WEIGHTS), PRODUCT),
        (lambda x: ops.einsum("brc,bsc,bsd->brd", x, x, x), 2 * 6 * 6 * 7 + 2 * 6 * 6 * 7),
        (lambda x: ops.tensordot(x, WEIGHTS, axes=1), PRODUCT),
        (lambda x: ops.conv(x, np.ones((3, 7, 2), "float32")), 2 * 4 * 3 * 7 * 2),
        # Products without a sum are element-wise work.
        (lambda x: ops.einsum("brc,brc->brc", x, x) * x, 0),
        (lambda x: ops.einsum("br,bc->brc", x[:, :, 0], x[:, 0]), 0),
        (lambda x: multiply(x) * 0.0 + multiply(multiply(x)), 3 * PRODUCT),
    ],
)
def test_operations_in_a_custom_layer(function, expected):
    assert count_flops(build(Computing(function), (ROWS, COLUMNS))) == expected


def loop(steps):
    return lambda x: ops.fori_loop(0, steps, lambda step, carry: multiply(carry), x)


def repeat_loop(x):
    return ops.fori_loop(0, 2, lambda step, carry: loop(3)(carry), x)


def scan(x):
    return ops.scan(lambda carry, row: (multiply(carry), carry), x, ops.transpose(x, (1, 0, 2)))[0]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (loop(3), looping(3 * PRODUCT)),
        (repeat_loop, looping(2 * 3 * PRODUCT)),
        (scan, looping(ROWS * PRODUCT)),
        (lambda x: ops.fori_loop(0, 3, lambda step, carry: carry + 1, x), 0),
        (lambda x: ops.vectorized_map(multiply, x), PRODUCT),
        # Of two branches the costlier; nobody knows which will run.
        (
            lambda x: ops.cond(ops.sum(x) > 0, lambda: multiply(x), lambda: multiply(multiply(x))),
            PRODUCT if TORCH else 2 * PRODUCT,
        ),
    ],
)
def test_loops_and_branches(function, expected):
    assert count_flops(build(Computing(function), (ROWS, COLUMNS))) == expected


def test_a_loop_whose_end_depends_on_the_data_cannot_be_counted():
    def grow(x):
        return ops.while_loop(lambda carry: ops.sum(carry) < 100, multiply, x)

    assert count_flops(build(Computing(grow), (ROWS, COLUMNS))) is None
    without_products = Computing(lambda x: ops.while_loop(lambda carry: ops.sum(carry) < 100, lambda y: y + 1, x))
    assert count_flops(build(without_products, (ROWS, COLUMNS))) == (None if TORCH else 0)


def compute_in_vain(x):
    multiply(x)
    return x + 1


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(Computing(compute_in_vain), marks=pytest.mark.skipif(TORCH, reason="PyTorch computes it")),
        layers.Activation("silu"),
        layers.BatchNormalization(),
        layers.Dropout(0.5),
        layers.Reshape((COLUMNS, ROWS)),
    ],
)
def test_what_is_no_product_or_does_not_reach_the_output_is_left_out(layer):
    assert count_flops(build(layer, (ROWS, COLUMNS))) == 0


@pytest.mark.parametrize("layer", [layers.AveragePooling2D(2), layers.UpSampling2D(2, interpolation="bilinear")])
def test_pooling_and_resizing_are_left_out(layer):
    assert count_flops(build(layer, (8, 8, 3))) == 0


def test_networks_within_networks():
    # To 4 x 5 pixels of three channels; to 2 x 3 of five; to 4.
    expected = 2 * (4 * 5 * 9 * 1 * 3 + 2 * 3 * 9 * 3 * 5 + 2 * 3 * 5 * 4)
    convolutions = [layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu") for filters in (3, 5)]
    inner = keras.Sequential([keras.Input((7, 9, 1)), *convolutions, layers.BatchNormalization(), layers.Flatten()])
    assert count_flops(keras.Sequential([inner, layers.Dropout(0.5), layers.Dense(4)])) == expected
    inputs = keras.Input((7, 9, 1))
    twice = layers.Dense(4)(layers.Maximum()([inner(inputs), inner(1 - inputs)]))
    assert count_flops(keras.Model(inputs, twice)) == 2 * expected - 2 * (2 * 3 * 5 * 4)


def test_models_without_one_input_of_a_known_shape_have_no_count():
    first, second = keras.Input((7,)), keras.Input((7,))
    assert count_flops(keras.Model([first, second], layers.Dense(2)(first + second))) is None
    assert count_flops(build(layers.Conv2D(2, 3), (None, None, 1))) is None


def test_nothing_changes_and_nothing_is_printed(capfd):
    random = Computing(lambda x: x + keras.random.normal(ops.shape(x), seed=random.seed))
    random.seed = keras.random.SeedGenerator(3)
    model = build(keras.Sequential([layers.Dense(7), layers.BatchNormalization(), random]), (ROWS, COLUMNS))
    before = [np.array(variable) for variable in (*model.variables, random.seed.state)]
    capfd.readouterr()
    assert count_flops(model) == PRODUCT
    for variable, value in zip((*model.variables, random.seed.state), before, strict=True):
        np.testing.assert_array_equal(np.array(variable), value)
    assert tuple(capfd.readouterr()) == ("", "")
