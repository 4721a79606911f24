"""``zoo.models``: architectures as attributes of a module."""

import pytest

import zoo

pytestmark = pytest.mark.usefixtures("clean_registry")


def test_architectures_are_imported_by_name():
    from zoo.models import residual

    assert isinstance(residual, zoo.Architecture)
    assert residual.name == "residual"
    assert residual.plugin.name == "zoo.plugins.residual"
    assert zoo.models.residual is residual


def test_dir_of_models_lists_the_architectures(architecture):
    zoo.register(architecture("zz_own"))
    assert dir(zoo.models) == zoo.list_models()
    assert {"residual", "zz_own"} < set(dir(zoo.models))


def test_an_unknown_attribute_of_models_suggests_a_name():
    assert not hasattr(zoo.models, "resnet_of_nobody")
    with pytest.raises(AttributeError, match=r"no architecture is called 'residul': did you mean 'residual'\?"):
        _ = zoo.models.residul
    with pytest.raises(AttributeError, match=r"module 'zoo\.models' has no attribute '_private'"):
        _ = zoo.models._private
    with pytest.raises(ImportError, match="cannot import name 'residul'"):
        from zoo.models import residul  # noqa: F401


@pytest.mark.parametrize("name", ["registry", "annotations", "models"])
def test_no_architecture_is_hidden_by_an_import_of_the_module(architecture, name):
    zoo.register(architecture(name))
    assert zoo.models.__getattr__(name) is getattr(zoo.models, name)


def test_a_star_import_brings_every_architecture():
    names = {}
    exec("from zoo.models import *", names)
    assert {name for name in names if not name.startswith("_")} == set(zoo.list_models())


def test_a_plugin_architecture_is_in_models(install):
    install("good-dist", {"good_plugin": "good"})
    from zoo.models import dense

    assert dense.source == "this test"
