"""Files that name what no model needs, or ask for more than they hold: refused, and nothing of them runs."""

import copy
import sys
import time

import keras
import pytest
from support.keras_files import ONE, edit_config, first_layer, function, make_saved, refused

import zoo


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return make_saved(tmp_path_factory.mktemp("saved"), train=True)[1]


@pytest.fixture
def edited(saved, tmp_path):
    return lambda edit: edit_config(saved, tmp_path / "model.keras", edit)


def layers_of(config):
    return config["config"]["encoder"]["config"]["layers"]


def operation(name, args, module="keras.src.ops.core", **config):
    node = {"args": args, "kwargs": {}}
    return {
        "module": module, "class_name": name, "config": {"name": name, **config}, "registered_name": name,
        "name": name, "inbound_nodes": [node],
    }  # fmt: skip


def tensor(layer, index=0):
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 6, 5, 1], "dtype": "float32", "keras_history": [layer, index, 0]},
    }


NAMES = [
    ("keras.layers", "TFSMLayer"), ("keras", "layers.TFSMLayer"), ("keras", "datasets.imdb.load_data"),
    ("keras", "utils.get_file"), ("keras.src", "utils.file_utils.get_file"), ("keras.ops", "zeros"),
    ("keras.ops", "zeros.__globals__"), ("keras.random", "normal"), ("keras.activations", "deserialize"),
    ("keras.activations", "get"), ("builtins", "eval"), ("builtins", "deserialize"), ("keras.saving", "load_model"),
    ("keras.src.backend.torch", "core"), ("keras.initializers", "Zeros"), (None, "eval"), (["keras"], "relu"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "name"), NAMES, ids=map(str, NAMES))
@pytest.mark.parametrize("place", ["argument", "activation", "loss", "metric"])
def test_functions_that_no_model_needs(edited, module, name, place):
    def edit(config):
        what = function(module, name)
        if place == "argument":
            layers_of(config).append(
                operation("Add", [tensor(layers_of(config)[0]["name"]), what], "keras.src.ops.numpy")
            )
        elif place == "activation":
            first_layer(config)["config"]["activation"] = what
        else:
            config["compile_config"]["loss" if place == "loss" else "metrics"] = what if place == "loss" else [what]

    refused(edited(edit))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras.layers", "StringLookup"), ("keras.layers", "TextVectorization"), ("keras.layers", "Lambda"),
        ("keras.layers", "dense"), ("keras", "layers.Dense"), ("keras.src.layers", "Dense"), ("keras.layers", "Dense "),
        ("keras.src.layers.core.lambda_layer", "Lambda"), ("keras.src.backend.openvino.core", "Anything"),
        ("keras.src.export.tfsm_layer", "TFSMLayer"), ("keras.callbacks", "CSVLogger"), ("keras.tree", "MAP_TO_NONE"),
        ("keras.src.utils.torch_utils", "TorchModuleWrapper"), ("keras_hub.models", "Backbone"), ("os", "system"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("registered", [None, "same", "zoo>Nothing"])
def test_classes_that_no_model_needs(edited, module, name, registered):
    def edit(config):
        first_layer(config).update(module=module, class_name=name, registered_name=name if registered else None)
        if registered == "zoo>Nothing":
            first_layer(config)["registered_name"] = registered

    before = set(sys.modules)
    refused(edited(edit))
    assert not {it for it in set(sys.modules) - before if it.startswith(("keras", "torch", "openvino"))}


@pytest.mark.parametrize(
    "change",
    [
        operation("Switch", [0, [function("keras.activations", "relu")], 1]),
        operation("ForiLoop", [tensor("images")]),
        operation("Map", [tensor("images")]),
        operation("Tile", [ONE], "keras.src.ops.numpy", repeats=[50_000, 50_000]),
        operation("Add", [1, 2], "keras.src.ops.numpy"),
        operation("Full", [tensor("images")], "keras.src.ops.numpy"),
        operation("Split", [tensor("images")], "keras.src.ops.numpy", indices_or_sections=10**9, axis=1),
        operation("Add", [tensor("images", -1), 1], "keras.src.ops.numpy"),
        {**operation("ZeroPadding2D", [ONE], "keras.layers", padding=30_000), "registered_name": None},
        {**operation("Add", []), "inbound_nodes": [[]]},
        {**operation("Add", []), "inbound_nodes": [[["images", 0, 0, {}]]]},
        {**operation("Add", []), "inbound_nodes": 3},
    ],
    ids=lambda change: change["class_name"],
)
def test_operations_are_never_computed(edited, change):
    begun = time.monotonic()
    refused(edited(lambda config: layers_of(config).append(change)))
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(["a"], "S2000000000"), (["a"], "U1000"), ([1], "object"), ([1], "float32,(100000,100000)f4"), (["1"], "float32")],
)
def test_arrays_of_other_than_numbers(edited, value, dtype):
    def edit(config):
        constant = {"class_name": "__numpy__", "config": {"value": value, "dtype": dtype}}
        first_layer(config)["config"]["kernel_initializer"] = {
            "module": "keras.initializers", "class_name": "Constant", "config": {"value": constant},
            "registered_name": None,
        }  # fmt: skip

    assert "refused: it has a" in refused(edited(edit))


@pytest.mark.parametrize(
    "kind", ["__lambda__", "__typespec__", "__bytes__", "__slice__", "__anything__", "__keras_tensor__"]
)
def test_values_of_other_kinds(edited, kind):
    value = {"class_name": kind, "config": {"value": "4wAAAA==", "start": "a"}, "spec_name": "x", "module": "os"}
    refused(edited(lambda config: first_layer(config)["config"].update(extra=value)))


@pytest.mark.parametrize(
    "change",
    [{"compile_config": [1]}, {"compile_config": "adam"}, {"config": [1]}, {"class_name": ["x"]}, {"module": {"a": 1}},
     {"registered_name": ["zoo>AutoEncoder"]}, {"registered_name": {}}],
    ids=str,
)  # fmt: skip
def test_a_model_of_other_types(edited, change):
    def edit(config):
        config["config"]["likelihood"].update(change)
        config.update(change)

    refused(edited(edit))


@pytest.mark.parametrize("built", [None, {}, {"input_shape": [None, 10**5, 10**5, 1]}, {"input_shape": ["a"]}])
def test_statistics_are_not_spread_over_a_huge_shape(edited, built):
    def edit(config):
        first_layer(config).update(
            module="keras.layers", class_name="Normalization", registered_name=None, build_config=built,
            config={"name": first_layer(config)["name"], "axis": [1, 2, 3], "mean": 0.5, "variance": 0.1},
        )  # fmt: skip

    assert "refused: it has a Normalization of" in refused(edited(edit))


@pytest.mark.parametrize("optimizer", ["Muon", "Adam"])
def test_a_pattern_that_would_be_searched_for(edited, optimizer):
    def edit(config):
        config["compile_config"]["optimizer"] = {
            "module": "keras.optimizers", "class_name": optimizer, "registered_name": None,
            "config": {"learning_rate": 0.1, "exclude_layers": ["(a+)+$"]},
        }  # fmt: skip

    assert "has the pattern '(a+)+$', expected plain text" in refused(edited(edit))


def test_models_that_call_each_other_are_not_unrolled(edited):
    def part(level):
        names = [f"c{call}" for call in range(6)]
        inner = [] if level == 0 else [{**part(level - 1), "name": "inner"}]
        for item in inner:
            item["inbound_nodes"] = [{"args": [tensor("i")], "kwargs": {}} for _ in names]
        start = {
            "module": "keras.layers", "class_name": "InputLayer", "registered_name": None, "name": "i",
            "config": {"batch_shape": [None, 6, 5, 1], "dtype": "float32", "name": "i"}, "inbound_nodes": [],
        }  # fmt: skip
        layers = {"name": f"m{level}", "layers": [start, *inner], "input_layers": [["i", 0, 0]]}
        layers["output_layers"] = [["inner" if inner else "i", 0, 0]]
        return {
            "module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional",
            "config": layers,
        }  # fmt: skip

    begun = time.monotonic()
    message = refused(edited(lambda config: config["config"].update(encoder=part(10))))
    assert "refused: its models call more than 10,000 layers" in message
    assert time.monotonic() - begun < 10


def test_layers_in_the_wrong_order_are_not_tried_for_ever(edited):
    def edit(config):
        layers = layers_of(config)
        chain = []
        for number in range(300):
            item = copy.deepcopy(layers[-1])
            item.update(module="keras.layers", class_name="Identity", registered_name=None, name=f"x{number}")
            item["config"] = {"name": f"x{number}"}
            item["inbound_nodes"] = [
                {"args": [tensor(f"x{number - 1}" if number else layers[0]["name"])], "kwargs": {}}
            ]
            chain.append(item)
        layers += reversed(chain)

    assert "the layers of a functional model are not in the order of their calls" in refused(edited(edit))


def test_an_optimizer_that_needs_more_than_the_file_has(edited):
    """Every weight would get three moving averages that are not in the file."""

    def edit(config):
        for item in layers_of(config):
            if item["class_name"] == "Conv2D":
                item["config"]["filters"] = 20_000
        config["compile_config"]["optimizer"] = "adam"

    assert "refused: it describes a model with" in refused(edited(edit))


@pytest.mark.parametrize("given", ["text", ["a"], 3, {"trained_on": 5, "preset": ["x"]}, {"encoder": "small_cnn"}])
def test_an_origin_of_another_type_is_left_out(edited, given):
    model = zoo.load_model(edited(lambda config: config["config"].update(provenance=given)))
    assert not model.provenance
    assert "AutoEncoder(" in repr(model)


def test_every_name_on_the_list_is_one_of_keras():
    """So that a name that Keras drops does not stay for a package to take."""
    import importlib

    from zoo.saving.allowed import CLASSES

    for module, name in CLASSES:
        assert isinstance(getattr(importlib.import_module(module), name), type), (module, name)
    assert not {name for _, name in CLASSES} & {"Lambda", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper"}
    assert keras.layers.Dense.__name__ in {name for _, name in CLASSES}


def test_a_name_as_long_as_its_file_is_not_quoted_in_full(edited):
    message = refused(edited(lambda config: first_layer(config).update(class_name="x" * 10_000)), most=1000)
    assert "[... 10," in message
    assert message.endswith("replace it with a layer class registered with @keras.saving.register_keras_serializable()")
