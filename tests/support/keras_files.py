"""Saved models, whole and changed."""

import json
import zipfile

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import ModelLoadError
from zoo.schedules import LinearWarmUp

SHAPE = (6, 5, 1)
IMAGES = np.random.default_rng(0).random((8, *SHAPE), "float32")
# An array in a configuration, as Keras writes it.
ONE = {"class_name": "__numpy__", "config": {"value": [[1.0]], "dtype": "float32"}}


def make_saved(folder, name="small_cnn", *, train=False, **config):
    """Save a model made by name; give it and its file."""
    options = {"latent_dim": 3, "filters": [4]} if name == "small_cnn" else {}
    model = zoo.create_model(name, image_shape=SHAPE, seed=0, **options, **config)
    if train:
        model.compile(keras.optimizers.Adam(0.02), kl_weight=LinearWarmUp(10, end=0.5))
        for _ in range(3):
            model.train_step(IMAGES)
    model.save(folder / "model.keras")
    return model, folder / "model.keras"


def edit_config(file, target, edit):
    """Copy a .keras file with its config.json changed."""
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(target, "w") as copy:
        for item in source.namelist():
            content = source.read(item)
            if item == "config.json":
                config = json.loads(content)
                edit(config)
                content = json.dumps(config)
            copy.writestr(item, content)
    return target


def function(module, name):
    """Return a reference to a function, as Keras writes it."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def first_layer(config):
    """Return the configuration of the encoder's first layer that is no input."""
    return config["config"]["encoder"]["config"]["layers"][1]


def refused(path, most=450):
    """Return the message of the error that loading it raises, which has at most so many characters after the path."""
    with pytest.raises(ModelLoadError) as caught:
        zoo.load_model(path)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < len(str(path)) + most
    return message
