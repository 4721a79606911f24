import dataclasses

import pytest

import zoo
from zoo.registry.specs import check_shape

NAMES = [
    ("My_cnn", False),
    ("my-cnn", False),
    ("2cnn", False),
    ("_cnn", False),
    ("", False),
    ("cnn\n", False),
    ("cnn/mnist", False),
    ("größe", False),
    (None, False),
    ("c", True),
    ("c2_nn", True),
]


def make_dataset(**fields):
    valid = {"name": "toy", "summary": "toy", "image_shape": (4, 5, 1), "classes": ("a",), "load": "m:load"}
    return zoo.DatasetSpec(**{**valid, **fields})


@pytest.mark.parametrize(("name", "valid"), NAMES)
def test_names(architecture, name, valid):
    if valid:
        assert architecture(name).name == name
        assert make_dataset(name=name).name == name
        return
    words = ": expected lower-case letters, digits and underscores, beginning with a letter"
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        architecture(name)
    assert str(caught.value) == f"architecture name {name!r}{words}"
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        make_dataset(name=name)
    assert str(caught.value) == f"dataset name {name!r}{words}"


def encode(): ...


class Coder:
    def __call__(self): ...


@pytest.mark.parametrize("reference", ["module:function", "package.module_2:_function", encode, Coder(), Coder])
def test_builders_are_references_or_functions(architecture, reference):
    assert architecture(encoder=reference, decoder=reference).encoder is reference


@pytest.mark.parametrize("reference", ["module", "module.function", ":f", "m:", "m:f:g", "m:f()", "m:f\n", "", None, 3])
def test_other_builders_are_refused(architecture, reference):
    for part in ("encoder", "decoder"):
        with pytest.raises(ValueError, match=f"^architecture made: {part} is ") as caught:
            architecture(**{part: reference})
        assert str(caught.value).endswith(f"{part} is {reference!r}: expected 'module:function' or the function itself")
    with pytest.raises(ValueError, match=r"^dataset toy: load is .*: expected 'module:function'"):
        make_dataset(load=reference)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"summary": None}, "architecture made: summary is None: expected one line of text"),
        ({"autoencoder": "AutoEncoder"}, "architecture made: autoencoder is 'AutoEncoder': expected 'module:function'"),
        ({"defaults": None}, "architecture made: defaults is None: expected a dict of options"),
        ({"defaults": ["filters"]}, r"architecture made: defaults is \['filters'\]: expected a dict of options"),
        ({"defaults": {1: 2}}, r"architecture made: defaults is {1: 2}: expected a dict of options"),
        (
            {"defaults": {"latent_dim": 2, "latent_shape": (2,)}},
            "architecture made: defaults has latent_dim and latent_shape: expected one",
        ),
        (
            {"requires_zoo": "about 1"},
            r"architecture made: requires_zoo is 'about 1': expected versions such as '>=0\.1,<1'",
        ),
        ({"requires_zoo": 1.0}, "architecture made: requires_zoo is 1.0: expected versions such as"),
        (
            {"defaults": {"kl_weight": 2.0}},
            "architecture made: defaults has 'kl_weight', which is already an argument of zoo.create_model or zoo",
        ),
        ({"defaults": {"epochs": 3, "units": 1}}, "architecture made: defaults has 'epochs', which .*another name for"),
        ({"defaults": {"seed": 3}}, "architecture made: defaults has 'seed', which .*another name for the option"),
    ],
)
def test_architecture_fields_that_are_refused(architecture, fields, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        architecture(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"summary": 3}, "dataset toy: summary is 3: expected one line of text"),
        ({"image_shape": (28, 28)}, r"dataset toy: image_shape \(28, 28\): expected \(height, width, channels\), such"),
        ({"image_shape": (28, 0, 1)}, r"dataset toy: image_shape \(28, 0, 1\): expected \(height, width, channels\)"),
        ({"image_shape": (28, 28.0, 1)}, "dataset toy: image_shape .*: expected .height, width, channels."),
        ({"image_shape": (28, 28, True)}, "dataset toy: image_shape .*: expected .height, width, channels."),
        ({"image_shape": 28}, "dataset toy: image_shape 28: expected .height, width, channels., such as .28, 28, 1."),
        ({"classes": "abc"}, "dataset toy: classes is 'abc': expected a tuple of names"),
        ({"classes": (1, 2)}, r"dataset toy: classes is \(1, 2\): expected a tuple of names"),
        ({"classes": None}, "dataset toy: classes is None: expected a tuple of names"),
        ({"recipe": {"lr": 1}}, "dataset toy: recipe: unknown recipe setting 'lr': expected one of likelihood, binari"),
        ({"recipe": {"epochs": 0}}, "dataset toy: recipe: epochs is 0: expected a whole number of at least 1"),
        ({"recipe": None}, "dataset toy: recipe is None: expected a dict of settings"),
    ],
)
def test_dataset_fields_that_are_refused(fields, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make_dataset(**fields)


def test_specs_are_frozen(architecture):
    made, toy = architecture(defaults={"units": 3}), make_dataset(recipe={"epochs": 3})
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.name = "other"
    with pytest.raises(TypeError, match="does not support item assignment"):
        made.defaults["units"] = 4
    with pytest.raises(TypeError, match="does not support item assignment"):
        toy.recipe["epochs"] = 4


def test_a_spec_does_not_follow_the_dict_it_was_made_from(architecture):
    defaults = {"units": 3}
    made = architecture(defaults=defaults)
    defaults["units"] = 4
    assert made.defaults == {"units": 3}


def test_specs_can_be_compared_copied_and_replaced(architecture):
    made = architecture(defaults={"units": [3]})
    assert made == architecture(defaults={"units": [3]})
    assert made != architecture(defaults={"units": [4]})
    assert dataclasses.replace(made, summary="new").defaults == {"units": [3]}
    assert dataclasses.replace(make_dataset(), name="new").image_shape == (4, 5, 1)


def test_shapes_become_tuples_of_ints():
    toy = make_dataset(image_shape=[4, 5, 3], classes=["a", "b"])
    assert (toy.image_shape, toy.classes) == ((4, 5, 3), ("a", "b"))
    assert make_dataset(classes=()).classes == ()


@pytest.mark.parametrize("shape", [(), (0,), (-1, 2), (1.5,), ("1",), "16", 16, None, (None, 3), (True,)])
def test_check_shape_refuses(shape):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        check_shape(shape, "latent_shape")
    assert str(caught.value) == f"latent_shape {shape!r}: expected positive ints, such as (16,)"


def test_check_shape_takes_numpy_ints():
    import numpy as np

    shape = check_shape((np.int64(3), 4), "latent_shape", rank=2)
    assert shape == (3, 4)
    assert type(shape[0]) is int
    with pytest.raises(ValueError, match="latent_shape"):
        check_shape((3, 4, 5), "latent_shape", rank=2)
