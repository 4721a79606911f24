"""Which plugins are taken: of equal names, of disabled ones, after changes."""

import sys

import pytest
from support.distributions import write_distribution
from support.plugin_records import find_record

import zoo
from zoo.errors import DuplicateNameError, PluginLoadWarning, UnknownNameError


def test_strict_names_both_origins_of_a_duplicate(install, monkeypatch):
    install("first-dist", {"one": "good"}, version="1.2")
    install("second-dist", {"two": "good"}, version="3.4")
    monkeypatch.setenv("ZOO_STRICT", "1")
    with pytest.raises(DuplicateNameError) as caught:
        zoo.list_models()
    assert str(caught.value) == (
        "the name 'dense' is provided by one (entry point 'one' of first-dist 1.2) and by two (entry point 'two' of "
        "second-dist 3.4): rename one, or leave one out with ZOO_DISABLE_PLUGINS=two"
    )


def test_of_two_equal_names_the_later_plugin_is_refused_whole(install):
    install("broken-dist", {"broken": "name_taken"})
    with pytest.warns(PluginLoadWarning, match="'residual' is provided by zoo.plugins.residual"):
        names = zoo.list_models()
    assert "unusual" not in names
    assert zoo.get_model_info("residual").plugin.name == "zoo.plugins.residual"


def test_two_distributions_with_one_entry_point_name_are_both_seen(install):
    install("first-dist", {"cnn": "good"})
    install("second-dist", {"cnn": "other"}, version="2.0")
    assert {"dense", "other"} < set(zoo.list_models())
    origins = [record.origin for record in zoo.list_plugins() if record.name == "cnn"]
    assert origins == ["entry point 'cnn' of first-dist 1.0", "entry point 'cnn' of second-dist 2.0"]


def test_a_distribution_found_twice_on_the_path_is_loaded_once(install, monkeypatch, tmp_path):
    install("good-dist", {"good_plugin": "good"}, version="2.0")
    (tmp_path / "older").mkdir()
    write_distribution(tmp_path / "older", "Good_Dist", "1.0", "[zoo]\ngood_plugin = good\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "older")])
    zoo.refresh()
    assert [record.version for record in zoo.list_plugins() if record.name == "good_plugin"] == ["2.0"]


@pytest.mark.parametrize("setting", ["one, two", "first-dist,second-dist", "one,second-dist,", " First_Dist ,two"])
def test_disabled_plugins_are_not_imported(install, monkeypatch, setting):
    install("first-dist", {"one": "exits"})
    install("second-dist", {"two": "good"})
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", setting)
    assert "dense" not in zoo.list_models()
    assert [(find_record(name).status, find_record(name).error) for name in ("one", "two")] == [("disabled", None)] * 2


def test_a_built_in_plugin_can_be_disabled(clean_registry, monkeypatch):
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "zoo.plugins.residual")
    assert "residual" not in zoo.list_models()
    with pytest.raises(UnknownNameError, match=r"disabled by ZOO_DISABLE_PLUGINS: zoo\.plugins\.residual"):
        zoo.get_model_info("residual")


def test_a_disabled_plugin_takes_no_name(install, monkeypatch):
    install("broken-dist", {"broken": "name_taken"})
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "zoo.plugins.residual")
    assert zoo.get_model_info("residual").plugin.name == "broken"


def test_refresh_finds_what_was_installed_and_removed(install):
    assert "dense" not in zoo.list_models()
    site = install("good-dist", {"good_plugin": "good"})
    assert "dense" in zoo.list_models()
    (site / "good_dist-1.0.dist-info" / "entry_points.txt").unlink()
    assert "dense" in zoo.list_models()
    zoo.refresh()
    assert "dense" not in zoo.list_models()
