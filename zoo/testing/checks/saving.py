"""Checks that a model is saved completely, and can be loaded where only its plugin is installed."""

from __future__ import annotations

import copy
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.testing.fresh_process import run_fresh
from zoo.testing.rule import CheckFailure, CheckSkipped, check, require, shorten
from zoo.testing.subject import walk_layers

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

ALIKE = 1e-4  # Absolute, for values in [0, 1] and latents of about 1.


@check()
def check_layers_keep_their_configuration(subject: Subject) -> None:
    """Every layer, and the model, can be rebuilt from its configuration stored as JSON."""
    import keras

    model = subject.model
    for item in (*walk_layers(model.encoder), *walk_layers(model.decoder), model):
        name = type(item).__name__
        require(
            not isinstance(item, keras.layers.Lambda),
            f"the layer {name} stores code in its configuration, which a safe file cannot hold: write a layer class, "
            'decorated with @keras.saving.register_keras_serializable("my_package")',
        )
        try:
            config = json.loads(json.dumps(keras.saving.serialize_keras_object(item)))
            again = keras.saving.deserialize_keras_object(copy.deepcopy(config))
            kept = json.loads(json.dumps(keras.saving.serialize_keras_object(again)))
        except Exception as error:
            raise CheckFailure(
                f"{name} cannot be rebuilt from its configuration ({shorten(error)}): decorate the class "
                'with @keras.saving.register_keras_serializable("my_package"), and return every argument of __init__ '
                "in get_config, in addition to super().get_config()"
            ) from error
        before, after = _without_types(config["config"]), _without_types(kept["config"])
        changed = sorted(key for key in before | after if before.get(key) != after.get(key))
        require(
            not changed,
            f"{name} is rebuilt from its configuration with a different {', '.join(changed)}: return every argument of "
            "__init__ in get_config",
        )


@check()
def check_saved_model_is_safe(subject: Subject) -> None:
    """The saved model loads without running code from the file."""
    from zoo.errors import ModelLoadError
    from zoo.saving.keras_file import read_config

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.keras")
        _save(subject, file)
        try:
            read_config(file)
        except ModelLoadError as error:
            raise CheckFailure(str(error).replace(str(file), "the saved model")) from error


@check()
def check_saved_model_is_the_same(subject: Subject) -> None:
    """A model has the same posterior and reconstructions after saving and loading."""
    from zoo.saving.load import load_model

    images, model = subject.images()[:5], subject.example
    before = model.provenance
    # Built by the plugin, as long as that builds the same, and from the network in the file, as when it does no longer.
    for recorded in (before, {key: value for key, value in (before or {}).items() if key != "built"}):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "model.keras")
            model.provenance = recorded
            try:
                _save(subject, file)
                loaded = load_model(file)
            except CheckFailure:
                raise
            except Exception as error:
                raise CheckFailure(str(error).replace(str(file), "the saved model")) from error
            finally:
                model.provenance = before
        _compare(subject, images, (*loaded.encode(images), loaded.reconstruct(images)), "after loading")


@check(slow=True)
def check_saved_model_loads_in_a_new_process(subject: Subject) -> None:
    """In a new process that knows only the plugin, ``zoo.load_model(file)`` alone loads the same model."""
    from zoo.registry import catalogue

    modules: list[str] = []
    if catalogue.is_registered(subject.name) and subject.plugin is None:
        modules = _registering_modules(subject)
        if "__main__" in modules:
            raise CheckSkipped("it is registered in __main__: a new process would have to run the script first")
    images = subject.images()[:5]
    with tempfile.TemporaryDirectory() as folder:
        file, given, results = (Path(folder, name) for name in ("model.keras", "images.npy", "results.npz"))
        _save(subject, file)
        np.save(given, images)
        arguments = [str(path) for path in (file, given, results)]
        try:
            found = run_fresh("loading", plugin=subject.plugin, modules=modules, arguments=arguments)
        except CheckFailure as error:
            raise CheckFailure(
                f"{str(error).replace(str(file), 'the saved model')}: define and register your layer classes in the "
                "module of the builders, or in one that it imports"
            ) from error
        with np.load(results) as stored:
            _compare(subject, images, [stored[name] for name in ("mean", "std", "images")], "in a new process")
    require(found["compiled"], "the model is not compiled after loading: save the arguments of an overridden compile")


def _registering_modules(subject: Subject) -> list[str]:
    """Return the module that registered an architecture; a new process imports it."""
    plugin = subject.architecture.plugin
    words = [] if plugin is None else plugin.name.split(".")
    names = [".".join(words[:count]) for count in range(len(words), 0, -1)]
    return [name for name in names if name in sys.modules][:1]


def _without_types(config: Any) -> Any:
    """Return a configuration without dtype policies, which the zoo restores itself."""
    if isinstance(config, dict):
        return {key: _without_types(value) for key, value in config.items() if key != "dtype"}
    return [_without_types(value) for value in config] if isinstance(config, list) else config


def _save(subject: Subject, file: Path) -> None:
    model = subject.example
    try:
        model.save(file)
    except Exception as error:
        raise CheckFailure(
            f"saving raised {shorten(error)}: give each of your own layers a get_config that returns plain values"
        ) from error


def _compare(subject: Subject, images: np.ndarray, found: Any, where: str) -> None:
    model = subject.example
    expected = (*model.encode(images), model.reconstruct(images))
    for name, got, wanted in zip(("mean", "std", "reconstruction"), found, expected, strict=True):
        apart = float(np.abs(got - wanted).max()) if got.shape == wanted.shape else np.inf
        require(
            apart <= ALIKE * max(1.0, float(np.abs(wanted).max())),
            f"the {name} is off by {apart:.3g} {where}: create every weight with add_weight in __init__ or build, so "
            "that Keras saves it, and keep no state in plain attributes",
        )
