"""The zoo's own architectures and datasets follow every rule."""

import keras
import pytest

import zoo
from zoo.registry import catalogue
from zoo.registry.yaml_file import builtin_path, read_registry_file
from zoo.testing.checks import exporting

PLUGINS = {entry.rpartition(".")[2] for entry in read_registry_file(builtin_path()).plugins}
OWN = sorted(PLUGINS & set(zoo.list_models()))
# The ladder takes minutes, most of them in XLA.
MARKS = dict.fromkeys(OWN, pytest.mark.slow)
if keras.backend.backend() == "jax":
    MARKS["ladder"] = pytest.mark.exhaustive


def test_fast_rules():
    assert len(zoo.testing.check_architecture("small_cnn", fast=True).select("passed")) > 20


@pytest.mark.parametrize("name", [pytest.param(name, marks=mark) for name, mark in MARKS.items()])
def test_all_rules(name, monkeypatch):
    if name != "small_cnn":  # tests/exporting has all of them, and converters take minutes for large networks.
        monkeypatch.setattr(exporting, "find_converters", lambda: ([], "not here"))
    report = zoo.testing.check_architecture(name)
    assert report.facts["parameters"] > 0
    assert not catalogue.is_registered(name)


@pytest.mark.parametrize("name", ["mnist_sample", "cifar10_sample"])
def test_datasets(name):
    zoo.testing.check_dataset(name)
