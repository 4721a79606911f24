"""Each ONNX operator that the page knows gives what ONNX Runtime gives."""

import numpy as np
import pytest
from support.node import run_all_in_node, run_in_node

from zoo.errors import ExportError
from zoo.explorer.graph import lower
from zoo.explorer.lowering import LOWERINGS
from zoo.explorer.weights import Blob

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
random = np.random.default_rng(0)


def ints(*values):
    return np.array(values, "int64")


def floats(*shape):
    return random.standard_normal(shape).astype("float32")


IMAGE = (1, 4, 6, 5)
UNARY = "Abs Ceil Cos Elu Erf Exp Floor HardSigmoid HardSwish LeakyRelu Mish Neg Relu Round Selu Sigmoid Sign Sin"
# (operator, shape of the input, constant inputs after it, attributes)
CASES = [
    *((name, IMAGE, [], {}) for name in f"{UNARY} Softplus Softsign Tanh Reciprocal Identity".split()),
    ("Elu", IMAGE, [], {"alpha": 0.5}), ("LeakyRelu", IMAGE, [], {"alpha": 0.3}),
    ("Clip", IMAGE, [np.float32(-0.5), np.float32(0.25)], {}), ("Clip", IMAGE, [None, np.float32(0.25)], {}),
    *((name, IMAGE, [floats(4, 1, 1)], {}) for name in ("Add", "Sub", "Mul", "Div", "PRelu", "Max", "Min")),
    ("Add", IMAGE, [floats(2, 1, 1, 1, 5)], {}), ("Mul", IMAGE, [np.float32(2.5)], {}),
    ("Sum", IMAGE, [floats(6, 5), floats(4, 1, 1)], {}), ("Max", IMAGE, [], {}),
    ("ReduceSum", IMAGE, [ints(1, 3)], {"keepdims": 0}),
    *((name, IMAGE, [ints(2, -1)], {}) for name in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd")),
    ("ReduceMean", IMAGE, [], {}),
    ("Softmax", IMAGE, [], {"axis": 1}), ("LogSoftmax", IMAGE, [], {"axis": -1}),
    ("Reshape", IMAGE, [ints(1, -1)], {}), ("Flatten", IMAGE, [], {"axis": 2}), ("Unsqueeze", IMAGE, [ints(2)], {}),
    ("Squeeze", IMAGE, [ints(0)], {}), ("Transpose", IMAGE, [], {"perm": [0, 2, 3, 1]}), ("Transpose", IMAGE, [], {}),
    ("Slice", IMAGE, [ints(1, 4), ints(100, -100), ints(1, 3), ints(2, -2)], {}),
    ("Slice", IMAGE, [ints(0, -3), ints(1, -1)], {}), ("Slice", IMAGE, [ints(1), ints(-1), ints(2)], {}),
    ("Split", IMAGE, [ints(1, 3)], {"axis": 1}), ("Concat", IMAGE, [floats(1, 2, 6, 5)], {"axis": 1}),
    ("Expand", (1, 4, 1, 5), [ints(2, 1, 3, 1)], {}), ("Tile", IMAGE, [ints(1, 2, 1, 3)], {}),
    ("Gather", IMAGE, [ints(2, 0, -1)], {"axis": 1}), ("Gather", IMAGE, [np.int64(3)], {"axis": 2}),
    ("Pad", IMAGE, [ints(0, 0, 1, 2, 0, 0, 3, 0), np.float32(0.5)], {}),
    ("Pad", IMAGE, [ints(0, 0, -1, 2, 0, 0, 3, 0)], {}),
    ("Pad", IMAGE, [ints(0, 0, 1, 2, 0, 0, 3, 1)], {"mode": "reflect"}),
    ("Pad", IMAGE, [ints(0, 0, 1, 2, 0, 0, 3, 1)], {"mode": "edge"}),
    ("Resize", IMAGE, [None, np.array([1, 1, 2, 3], "float32")],
     {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}),
    ("DepthToSpace", (1, 8, 3, 2), [], {"blocksize": 2}),
    ("DepthToSpace", (1, 8, 3, 2), [], {"blocksize": 2, "mode": "CRD"}),
    ("MatMul", (3, 5), [floats(5, 7)], {}), ("MatMul", (2, 3, 5), [floats(2, 5, 4)], {}),
    ("MatMul", (2, 3, 5), [floats(5)], {}), ("MatMul", (5,), [floats(5, 3)], {}),
    ("Gemm", (3, 5), [floats(7, 5), floats(7)], {"transB": 1, "alpha": 0.5, "beta": 2.0}),
    ("Gemm", (5, 3), [floats(5, 7)], {"transA": 1}),
    ("BatchNormalization", IMAGE, [floats(4), floats(4), floats(4), np.abs(floats(4))], {"epsilon": 0.01}),
    ("Conv", IMAGE, [floats(7, 4, 3, 3), floats(7)], {"pads": [1, 1, 1, 1]}),
    ("Conv", IMAGE, [floats(3, 4, 3, 2)], {"pads": [0, 1, 2, 0], "strides": [2, 3]}),
    ("Conv", IMAGE, [floats(4, 2, 2, 2), floats(4)], {"group": 2, "dilations": [2, 1]}),
    ("Conv", IMAGE, [floats(4, 1, 3, 3)], {"group": 4, "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ("Conv", IMAGE, [floats(2, 4, 2, 4)], {"auto_pad": "SAME_LOWER"}),
    ("Conv", IMAGE, [floats(2, 4, 3, 3)], {"auto_pad": "VALID"}), ("Conv", IMAGE, [floats(5, 4, 1, 1)], {}),
    ("ConvTranspose", IMAGE, [floats(4, 3, 4, 4), floats(3)], {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("ConvTranspose", IMAGE, [floats(4, 3, 3, 2)], {"strides": [2, 3], "output_padding": [1, 0]}),
    ("ConvTranspose", IMAGE, [floats(4, 2, 3, 3)], {"group": 2, "dilations": [2, 1], "pads": [1, 0, 0, 1]}),
    ("ConvTranspose", IMAGE, [floats(4, 3, 5, 5)], {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ("MaxPool", IMAGE, [], {"kernel_shape": [2, 3], "strides": [2, 2], "pads": [0, 1, 1, 0]}),
    ("MaxPool", IMAGE, [], {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    ("AveragePool", IMAGE, [], {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ("AveragePool", IMAGE, [], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
    ("GlobalAveragePool", IMAGE, [], {}), ("GlobalMaxPool", IMAGE, [], {}),
    ("TopK", (3, 7), [ints(3)], {}), ("TopK", (3, 7), [ints(1)], {"largest": 0}),
    ("ArgMax", (3, 7), [], {"axis": -1}), ("ArgMin", (3, 7), [], {"axis": 1, "keepdims": 0}),
]  # fmt: skip
TESTED = {name for name, *_ in CASES}


def make_onnx(steps, shape, constants=()):
    """Return a model whose steps are (operator, inputs, outputs, attributes); all outputs of the last are its own."""
    nodes = [
        onnx.helper.make_node(op, inputs, outputs, name=f"decoder/{op}_{index}", **attributes)
        for index, (op, inputs, outputs, attributes) in enumerate(steps)
    ]
    graph = onnx.helper.make_graph(
        nodes, "graph",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [onnx.ValueInfoProto(name=name) for name in steps[-1][2]],
        [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in constants],
    )  # fmt: skip
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)


def prepare(model, shape, *, positive=False):
    """Return the page's network, its blob, inputs, and what ONNX Runtime returns for them."""
    inputs = floats(2, *shape)
    inputs = np.abs(inputs) + 0.1 if positive else inputs
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = [session.run(None, {"x": it}) for it in inputs]
    blob = Blob()
    return lower(model, blob), blob, inputs, [np.stack(arrays) for arrays in zip(*expected, strict=True)]


def compare(outputs, expected):
    assert [it.shape for it in outputs] == [it.shape for it in expected]
    for got, wanted in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=2e-6)


def check(model, shape, folder, *, positive=False):
    graph, blob, inputs, expected = prepare(model, shape, positive=positive)
    compare(run_in_node(graph, blob, inputs, folder), expected)


def prepare_case(op, shape, given, attributes):
    names = ["x", *("" if array is None else f"c{index}" for index, array in enumerate(given))]
    outputs = {"Split": ["a", "b"], "TopK": ["a", "b"]}.get(op, ["a"])
    constants = [(name, array) for name, array in zip(names[1:], given, strict=True) if array is not None]
    return prepare(make_onnx([(op, names, outputs, attributes)], shape, constants), shape)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What node returns for each case, and what ONNX Runtime does; in one process, which takes a while to start."""
    prepared = [prepare_case(*case) for case in CASES]
    found = run_all_in_node([it[:3] for it in prepared], tmp_path_factory.mktemp("cases"))
    return list(zip(found, (expected for *_, expected in prepared), strict=True))


@pytest.mark.parametrize("index", range(len(CASES)), ids=lambda index: f"{CASES[index][0]}-{index}")
def test_an_operator(index, results):
    compare(*results[index])


@pytest.mark.parametrize("name", ["Log", "Sqrt", "Pow"])
def test_functions_of_positive_numbers(name, tmp_path):
    constants = [("c", np.float32(1.5))] if name == "Pow" else []
    model = make_onnx([(name, ["x", *(it for it, _ in constants)], ["a"], {})], IMAGE, constants)
    check(model, IMAGE, tmp_path, positive=True)


@pytest.mark.parametrize("name", ["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"])
def test_comparisons(name, tmp_path):
    """Through ``Round``, so that some values are equal; ``Not``, ``Cast`` and ``Where`` take truth values."""
    steps = [
        ("Round", ["x"], ["r"], {}), (name, ["r", "c"], ["t"], {}), ("Not", ["t"], ["n"], {}),
        ("And", ["t", "d"], ["u"], {}), ("Or", ["n", "u"], ["o"], {}), ("Where", ["t", "x", "c"], ["w"], {}),
        ("Cast", ["o"], ["f"], {"to": onnx.TensorProto.FLOAT}), ("Add", ["w", "f"], ["a"], {}),
    ]  # fmt: skip
    constants = [("c", np.array([0, 1, -1, 1, 0], "float32")), ("d", np.array([1, 0, 1, 0, 1], bool))]
    check(make_onnx(steps, IMAGE, constants), IMAGE, tmp_path)


def test_whole_numbers(tmp_path):
    steps = [
        ("Mul", ["x", "c"], ["m"], {}), ("Cast", ["m"], ["i"], {"to": onnx.TensorProto.INT64}),
        ("Div", ["i", "d"], ["q"], {}), ("Cast", ["q"], ["b"], {"to": onnx.TensorProto.BOOL}),
        ("Cast", ["b"], ["f"], {"to": onnx.TensorProto.FLOAT}), ("Cast", ["q"], ["g"], {"to": onnx.TensorProto.FLOAT}),
        ("Add", ["f", "g"], ["a"], {}),
    ]  # fmt: skip
    check(make_onnx(steps, IMAGE, [("c", np.float32(7)), ("d", ints(3))]), IMAGE, tmp_path)


def test_rows_by_computed_indices(tmp_path):
    steps = [("ArgMax", ["x"], ["i"], {"axis": -1, "keepdims": 0}), ("Gather", ["c", "i"], ["a"], {})]
    check(make_onnx(steps, (3, 7), [("c", floats(7, 2, 2))]), (3, 7), tmp_path)


def test_a_product_of_computed_matrices(tmp_path):
    steps = [("Transpose", ["x"], ["t"], {"perm": [0, 2, 1]}), ("MatMul", ["x", "t"], ["a"], {})]
    check(make_onnx(steps, (2, 3, 5)), (2, 3, 5), tmp_path)


def test_every_operator_is_tested():
    elsewhere = {
        "Log", "Sqrt", "Pow", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "Not", "And", "Or", "Where",
        "Cast", "Dropout", "Upsample",
    }  # fmt: skip
    assert set(LOWERINGS) == TESTED | elsewhere


@pytest.mark.parametrize(
    ("op", "given", "attributes", "words"),
    [
        ("Hardmax", [], {}, "the page cannot compute Hardmax: put ONNX Runtime into the page"),
        ("TopK", [ints(2)], {"axis": 1}, "cannot compute TopK along an axis that is not the last one: put ONNX"),
        ("Resize", [None, np.array([1, 1, 2, 2], "float32")], {"mode": "linear"}, "cannot compute Resize other than"),
    ],
)
def test_what_is_not_known(op, given, attributes, words):
    names = ["x", *("" if array is None else f"c{index}" for index, array in enumerate(given))]
    constants = [(name, array) for name, array in zip(names[1:], given, strict=True) if array is not None]
    model = make_onnx([(op, names, ["a", "b"][: 1 + (op == "TopK")], attributes)], IMAGE, constants)
    with pytest.raises(ExportError) as caught:
        lower(model, Blob())
    assert words in str(caught.value)
