import dataclasses

import pytest

import zoo
from zoo.registry.fields import check_shape
from zoo.registry.scoring_specs import OWN_LIKELIHOODS

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
        expected = "'module:function', 'file.py:function' or the function itself"
        assert str(caught.value).endswith(f"{part} is {reference!r}: expected {expected}")
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


@pytest.mark.parametrize(
    ("patterns", "shape", "takes"),
    [
        (None, (7, 5, 2), True),
        (((32, 32, None), (64, 64, 3)), (32, 32, 1), True),
        (((32, 32, None), (64, 64, 3)), (64, 64, 3), True),
        (((32, 32, None), (64, 64, 3)), (64, 64, 1), False),
        (((32, 32, None),), (32, 33, 1), False),
        ([[None, None, 3]], (5, 9, 3), True),
        (((64, 64, 3),), (64, 64, None), True),
    ],
)
def test_an_architecture_may_be_for_some_shapes_of_images(architecture, patterns, shape, takes):
    made = architecture(image_shapes=patterns)
    assert made.takes(shape) is takes
    if takes:
        made.check_takes(shape)
        return
    with pytest.raises(ValueError, match=r"^architecture made is for images of .*, not of 6?3?") as caught:
        made.check_takes(shape)
    assert str(caught.value).endswith("resize the images, or choose another architecture (zoo list)")


@pytest.mark.parametrize(
    "patterns", [(), (32, 32, 3), ((32, 32),), ((0, 32, 3),), ((32, "32", 3),), "32x32x3", ((True, 2, 3),)]
)
def test_shapes_of_images_that_are_none(architecture, patterns):
    with pytest.raises(ValueError, match=r"^architecture made: image_shapes is .*: expected shapes .* such as \(\(32"):
        architecture(image_shapes=patterns)


def test_shapes_are_said_in_words(architecture):
    made = architecture(image_shapes=((32, 32, None), (64, 48, 3), (None, None, 1)))
    with pytest.raises(
        ValueError, match=r"32 x 32 \(any channels\) or 64 x 48 x 3 or any size with 1 channels, not of 8 x 8 x 2"
    ):
        made.check_takes((8, 8, 2))


def encode_reconstructions(images, reconstructions): ...


METRIC = {"name": "sharpness", "title": "sharpness", "function": encode_reconstructions}
LIKELIHOOD = {"name": "laplace", "summary": "A Laplace density", "likelihood": "m:Laplace"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "psnr"}, "metric name 'psnr' is already used in results and leaderboards"),
        ({"name": "likelihood"}, "metric name 'likelihood' is already used"),
        ({"name": "Sharp"}, "metric name 'Sharp': expected lower-case"),
        ({"title": " "}, "metric sharpness: title is ' ': expected its name in tables"),
        ({"unit": None}, "metric sharpness: unit is None: expected one line of text"),
        ({"digits": 1.5}, "metric sharpness: digits is 1.5: expected a whole number from 0 to 12"),
        ({"digits": 13}, "metric sharpness: digits is 13"),
        ({"lower_is_better": "no"}, "metric sharpness: lower_is_better is 'no': expected True, False or None"),
        ({"of": "images"}, "metric sharpness: of is 'images': expected one of reconstructions, model"),
        ({"function": "f"}, "metric sharpness: function is 'f': expected 'module:function'"),
    ],
)
def test_metrics_that_are_wrong(fields, message):
    assert zoo.Metric(**METRIC).digits == 3
    with pytest.raises(ValueError, match=message):
        zoo.Metric(**{**METRIC, **fields})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "gaussian"}, "likelihood name 'gaussian' is one of the zoo's own: expected another name"),
        ({"name": "La"}, "likelihood name 'La': expected lower-case"),
        ({"summary": 3}, "likelihood laplace: summary is 3: expected one line of text"),
        ({"likelihood": "Laplace"}, "likelihood laplace: likelihood is 'Laplace': expected 'module:function'"),
    ],
)
def test_likelihoods_that_are_wrong(fields, message):
    assert zoo.LikelihoodSpec(**LIKELIHOOD).name == "laplace"
    with pytest.raises(ValueError, match=message):
        zoo.LikelihoodSpec(**{**LIKELIHOOD, **fields})


def test_the_summaries_of_the_zoos_own_likelihoods_are_whole():
    from zoo.likelihoods import LIKELIHOODS

    assert set(OWN_LIKELIHOODS) == set(LIKELIHOODS)
