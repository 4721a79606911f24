"""A model's weights as arrays by name."""

import keras
import numpy as np
import pytest
from support.dense_parts import build_decoder, build_encoder, make_images

import zoo
from zoo.autoencoder.arrays import check_size, get_arrays, set_arrays
from zoo.errors import ModelLoadError

SHAPE = (6, 5, 1)


@keras.saving.register_keras_serializable(package="test_arrays")
class Scaled(zoo.AutoEncoder):
    """An autoencoder with a variable, and with a layer, of its own beside encoder and decoder."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.scale = self.add_weight(shape=(2,), initializer="ones", name="scale")
        self.prior = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def make(cls=zoo.AutoEncoder, seed=0):
    keras.utils.set_random_seed(seed)
    model = cls(build_encoder(SHAPE, (3,)), build_decoder((3,), (6, 5, 2)), likelihood="discretized_logistic")
    model.compile("adam")
    return model


def values(model):
    return [np.asarray(keras.ops.convert_to_numpy(weight)) for part in (model.encoder, model.decoder)
            for weight in part.weights]  # fmt: skip


def test_names_follow_the_structure():
    names = {
        "encoder/layers/dense/vars/0", "encoder/layers/dense/vars/1", "encoder/layers/gaussian_head/dense/vars/0",
        "encoder/layers/gaussian_head/dense/vars/1", "decoder/layers/dense/vars/0", "decoder/layers/dense/vars/1",
        "decoder/layers/dense_1/vars/0", "decoder/layers/dense_1/vars/1",
    }  # fmt: skip
    assert get_arrays(make()).keys() == names
    # A second model's layers have other automatic names.
    assert get_arrays(make()).keys() == names


def test_training_adds_no_arrays():
    model = make()
    before = get_arrays(model)
    model.fit(make_images(8, *SHAPE), epochs=1, verbose=0)
    after = get_arrays(model)
    assert after.keys() == before.keys()
    assert not np.array_equal(after["encoder/layers/dense/vars/0"], before["encoder/layers/dense/vars/0"])


def test_all_values_come_back():
    source, target = make(seed=1), make(seed=2)
    assert not all(map(np.array_equal, values(source), values(target)))
    set_arrays(target, get_arrays(source), "a file")
    assert all(map(np.array_equal, values(source), values(target)))


def test_variables_and_layers_of_the_model_itself():
    source, target = make(Scaled, seed=1), make(Scaled, seed=2)
    source.scale.assign([3.0, 4.0])
    arrays = get_arrays(source)
    assert arrays["model/0"].tolist() == [3.0, 4.0]
    kernels = [name for name, array in arrays.items() if name.startswith("model/") and array.shape == (3, 2)]
    assert len(kernels) == 1
    set_arrays(target, arrays, "a file")
    assert keras.ops.convert_to_numpy(target.scale).tolist() == [3.0, 4.0]
    np.testing.assert_array_equal(get_arrays(target)[kernels[0]], arrays[kernels[0]])


def test_scoring_adds_nothing():
    """What has been compiled for a model is kept in it."""
    model, images = make(), make_images(8, *SHAPE)
    before = get_arrays(model)
    for _ in range(3):
        zoo.evaluate(model, images)
        set_arrays(model, before, "a file")
    assert get_arrays(model).keys() == before.keys()


def test_half_precision_is_read_as_what_the_model_has():
    source, target = make(seed=1), make(seed=2)
    halves = {name: array.astype("float16") for name, array in get_arrays(source).items()}
    set_arrays(target, halves, "a file")
    for name, array in get_arrays(target).items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, halves[name].astype("float32"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda it: it.pop("decoder/layers/dense_1/vars/1"),
            "a file has no array 'decoder/layers/dense_1/vars/1'",
        ),
        (lambda it: it.update({"zz": np.zeros(3, "float32")}), "a file has 'zz', which is not the model's: expected"),
        (lambda it: it.update({"decoder/layers/dense_1/vars/1": np.zeros(61, "float32")}), "has the shape (61,): the"),
        (lambda it: it.update({"decoder/layers/dense_1/vars/1": np.zeros(60, "int32")}), "is of type int32: the model"),
    ],
)
def test_nothing_is_half_loaded(change, words):
    source, target = make(seed=1), make(seed=2)
    arrays, before = get_arrays(source), values(target)
    change(arrays)
    with pytest.raises(ModelLoadError) as caught:
        set_arrays(target, arrays, "a file")
    assert words in str(caught.value)
    assert all(map(np.array_equal, values(target), before))


def test_a_model_that_is_larger_than_its_file_is_not_made():
    made = []

    def build():
        made.append(build_decoder((3,), (600, 500, 8), units=100))
        return made

    with pytest.raises(ModelLoadError, match=r"a file has 8 values: expected the [\d,]+ of the model"):
        check_size({"a": np.zeros(8)}, build, "a file")  # Its values would take a terabyte.
    check_size({"a": np.zeros(8)}, lambda: [build_decoder((3,), (6, 5, 2))], "a file")
