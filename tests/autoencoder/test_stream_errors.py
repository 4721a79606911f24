"""What the user's own streams raise reaches the user as it was, instead of an account of TensorFlow's graph."""

import traceback

import keras
import pytest
from support.small_models import BYTES, IMAGES, make_model

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"


# On JAX, a loop that is left by an error takes the model's state along.
@pytest.fixture(scope="module" if ON_TENSORFLOW else "function")
def model():
    return make_model()


class OwnError(Exception):
    pass


def generate(fails_at, error):
    for number in range(4):
        if number == fails_at:
            raise error
        yield IMAGES[:4]


class Batches(keras.utils.PyDataset):
    def __init__(self, fails_at, error, **kwargs):
        super().__init__(**kwargs)
        self.fails_at, self.error = fails_at, error

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index == self.fails_at:
            raise self.error
        return (IMAGES[:4],)


@pytest.mark.parametrize("fails_at", [0, 2])
@pytest.mark.parametrize(
    "make", [generate, Batches, lambda *given: Batches(*given, workers=2)], ids=["generator", "dataset", "workers"]
)
@pytest.mark.parametrize("where", ["images", "validation_data", "evaluate", "predict"])
def test_an_own_error_is_raised_as_it_was(model, make, fails_at, where):
    error = OwnError("photo 17 is damaged")
    stream = make(fails_at, error)
    calls = {
        "images": lambda: model.fit(stream, steps_per_epoch=4, verbose=0),
        "validation_data": lambda: model.fit(IMAGES, validation_data=stream, validation_steps=4, verbose=0),
        "evaluate": lambda: model.evaluate(stream, steps=4, verbose=0),
        "predict": lambda: model.predict(stream, steps=4, verbose=0),
    }
    with pytest.raises(OwnError) as caught:
        calls[where]()
    assert caught.value is error
    assert traceback.extract_tb(caught.value.__traceback__)[-1].filename == __file__


def test_a_later_batch_that_is_refused_is_told_by_the_check(model):
    def bad():
        yield IMAGES[:4]
        yield IMAGES[:4] * 300

    with pytest.raises(ValueError, match=r"later batch.*expected uint8 in 0\.\.255 or float"):
        model.fit(bad(), steps_per_epoch=2, verbose=0)


@pytest.mark.skipif(not ON_TENSORFLOW, reason="Keras reads tf.data itself on other backends")
@pytest.mark.parametrize("fails_at", [0, 3])
def test_an_error_in_a_pipeline_is_shown_first(model, fails_at):
    import tensorflow as tf

    def read(index):
        if index == fails_at:
            raise OwnError("photo 17 is damaged")
        return BYTES[0]

    def load(index):
        return tf.ensure_shape(tf.numpy_function(read, [index], tf.uint8), (8, 8, 1))

    with pytest.raises(RuntimeError) as caught:
        model.fit(tf.data.Dataset.range(8).map(load).batch(2), verbose=0)
    assert "OwnError: photo 17 is damaged (" in str(caught.value).partition(f"{__file__}, line ")[0]
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not ON_TENSORFLOW, reason="Keras reads tf.data itself on other backends")
def test_an_error_of_an_operation_in_a_pipeline_is_shown_first(model, tmp_path):
    import tensorflow as tf

    def load(index):
        content = tf.io.read_file(str(tmp_path / "absent.png"))
        return tf.reshape(tf.io.decode_raw(content, tf.uint8), (8, 8, 1))

    with pytest.raises(RuntimeError) as caught:
        model.fit(tf.data.Dataset.range(8).map(load).batch(2), verbose=0)
    assert str(caught.value).startswith(
        f"{tmp_path}/absent.png; No such file or directory: raised in a tf.data pipeline"
    )


@pytest.mark.parametrize("given", [{"image": IMAGES}, ({"image": IMAGES},), ({"image": IMAGES}, None)])
@pytest.mark.parametrize("where", ["images", "validation_data"])
def test_a_dict_is_refused_in_a_sentence(model, given, where):
    with pytest.raises(ValueError, match=rf"^{where}: got a dict with the keys image; .* such as data\['image'\]$"):
        model.fit(given, verbose=0) if where == "images" else model.fit(IMAGES, validation_data=given, verbose=0)


@pytest.mark.parametrize("given", [{}, (), 3, "images.npy", b"x", open, object(), True])
def test_what_is_no_data_is_refused_in_a_sentence(model, given):
    with pytest.raises(ValueError, match=r"^images: got .*; expected images"):
        model.fit(given, verbose=0)
