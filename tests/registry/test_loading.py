import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from support.distributions import write_distribution
from support.paths import TESTS
from support.plugin_records import BUILT_IN, VERSION, find_record

import zoo
from zoo.errors import PluginLoadError, PluginLoadWarning, UnknownNameError

# module of sample_plugins -> what its record says
HOOKS = "zoo_datasets, zoo_likelihoods, zoo_metrics, zoo_executors"
FAULTS = {
    "import_error": "ModuleNotFoundError: No module named 'a_module_that_nobody_has' (import_error.py, line 3)",
    "exits": "SystemExit: usage: exits FILE (exits.py, line 3)",
    "hook_raises": "OSError: the weights folder is gone (hook_raises.py, line 8)",
    "hook_raises_half_way": "KeyError: 'second_half' (hook_raises_half_way.py, line 9)",
    "second_hook_raises": "RuntimeError: no data today (second_hook_raises.py, line 13)",
    "hook_misspelt": f"unknown hook zoo_architecture: zoo {VERSION} has zoo_architectures, {HOOKS}",
    "hook_unmarked": "zoo_architectures is not marked with @zoo.hookimpl",
    "hook_argument": "definition: zoo_architectures(config)",
    "hook_absent": f"implements no hook: expected one of zoo_architectures, {HOOKS}, marked with @zoo.hookimpl",
    "gives_strings": "zoo_architectures returned 'my_cnn': expected zoo.Architecture",
    "gives_none": "zoo_architectures returned None: expected an iterable of zoo.Architecture",
    "gives_text": "zoo_datasets returned 'mnist': expected an iterable of zoo.DatasetSpec",
    "gives_wrong_spec": "zoo_datasets returned Architecture(name='misplaced'",
    "name_twice": "provides the name 'twin' twice",
    "name_taken": "the name 'residual' is provided by zoo.plugins.residual (registry.yaml of autoencoder-zoo "
    f"{VERSION}) and by broken (entry point 'broken' of broken-dist 1.0)",
    "name_bad": "ValueError: architecture name 'my-CNN': expected lower-case letters, digits and underscores",
    "wrong_version": f"architecture old needs autoencoder-zoo >=99,<100; this is {VERSION}",
}


def run_python(code, *paths, **settings):
    """Run code in a new process, from another folder, with the package and ``paths`` on its path."""
    search = os.pathsep.join(map(str, (*paths, Path(zoo.__file__).parents[1])))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZOO_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, **settings, "PYTHONPATH": search},
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_built_in_plugins_load_in_the_order_of_the_file(clean_registry):
    records = zoo.list_plugins()
    assert [record.name for record in records][: len(BUILT_IN)] == BUILT_IN
    assert {record.status for record in records[:5]} == {"ok"}
    assert {record.origin for record in records[:5]} == {f"registry.yaml of autoencoder-zoo {VERSION}"}
    assert records[0].provides == ("mnist", "cifar10", "mnist_sample", "cifar10_sample")
    assert (records[3].provides, records[3].version, records[3].error) == (("residual",), VERSION, None)


def test_an_entry_point_gives_architectures_and_datasets(install):
    install("good-dist", {"good_plugin": "good"}, version="2.5")
    record = find_record("good_plugin")
    assert record == zoo.PluginRecord(
        name="good_plugin",
        origin="entry point 'good_plugin' of good-dist 2.5",
        version="2.5",
        status="ok",
        provides=("dense", "blobs"),
        error=None,
        distribution="good-dist",
    )
    assert {"dense", "small_cnn"} < set(zoo.list_models())
    assert {"dense/blobs", "dense/mnist", "residual/blobs"} < set(zoo.list_models(presets=True))
    assert zoo.get_model_info("dense/blobs").plugin == record
    assert zoo.get_model_info("residual/blobs").recipe["epochs"] == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_plugin_breaks_nothing_else(install, fault):
    before = zoo.list_models(), zoo.list_datasets()
    install("broken-dist", {"broken": fault})
    install("good-dist", {"good_plugin": "good"})
    with pytest.warns(PluginLoadWarning) as caught:
        names = zoo.list_models()
    assert names == sorted([*before[0], "dense"])
    assert zoo.list_datasets() == sorted([*before[1], "blobs"])
    record = find_record("broken")
    assert (record.status, record.provides, record.distribution) == ("failed", (), "broken-dist")
    assert FAULTS[fault] in record.error
    assert "\n" not in record.error
    assert [find_record(name).status for name in (*BUILT_IN, "good_plugin")] == ["ok"] * (len(BUILT_IN) + 1)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert message.startswith("plugin broken (entry point 'broken' of broken-dist 1.0) was left out: " + record.error)
    assert "ZOO_STRICT=1" in message
    assert caught[0].filename == __file__


def test_each_broken_plugin_is_warned_of_once(install):
    install("broken-dist", {"one": "hook_raises", "two": "gives_none"})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            zoo.list_models()
            zoo.list_plugins()
            zoo.get_model_info("residual")
    assert [str(warning.message).split()[1] for warning in caught] == ["one", "two"]


@pytest.mark.filterwarnings("ignore::zoo.errors.PluginLoadWarning")
def test_an_unknown_name_names_the_plugins_that_failed(install):
    install("broken-dist", {"broken": "hook_raises"})
    with pytest.raises(UnknownNameError) as caught:
        zoo.get_model_info("lost_cnn")
    assert "It may be in a plugin that failed to load: broken (OSError: the weights folder is gone" in str(caught.value)


@pytest.mark.filterwarnings("ignore::zoo.errors.PluginLoadWarning")
def test_plugins_that_cannot_be_found_are_recorded(install):
    install("broken-dist", {"module": "no_such_module_anywhere", "attribute": "good:no_such_attribute"})
    assert find_record("module").error == "ModuleNotFoundError: No module named 'no_such_module_anywhere'"
    assert "AttributeError" in find_record("attribute").error
    assert "no_such_attribute" in find_record("attribute").error


@pytest.mark.filterwarnings("ignore::zoo.errors.PluginLoadWarning")
def test_a_syntax_error_is_recorded_with_its_place(install):
    site = install("broken-dist", {"broken": "unparsable"})
    (site / "unparsable.py").write_text("fine = 1\ndef hook(:\n")
    zoo.refresh()
    assert find_record("broken").error == "SyntaxError: invalid syntax (unparsable.py, line 2)"


@pytest.mark.filterwarnings("ignore::zoo.errors.PluginLoadWarning")
def test_a_distribution_with_an_unreadable_entry_point_file_is_recorded(install):
    site = install("good-dist", {"good_plugin": "good"})
    write_distribution(site, "damaged-dist", "3.0", "[zoo]\na line without the sign\n")
    write_distribution(site, "unrelated-dist", "3.0", "[console_scripts]\na line without the sign\n")
    zoo.refresh()
    assert "dense" in zoo.list_models()
    record = find_record("damaged-dist")
    assert (record.status, record.origin, record.version) == ("failed", "entry points of damaged-dist 3.0", "3.0")
    assert record.error.startswith("entry_points.txt cannot be read: ")
    assert "unrelated-dist" not in {record.name for record in zoo.list_plugins()}


def test_a_distribution_without_metadata_is_passed_over(install):
    # What an interrupted pip leaves behind.
    site = install("good-dist", {"good_plugin": "good"})
    (site / "~alf-1.0.dist-info").mkdir()
    (site / "empty-1.0.dist-info").mkdir()
    zoo.refresh()
    assert "dense" in zoo.list_models()


def test_entry_points_of_other_groups_are_not_loaded(install):
    site = install("good-dist", {"good_plugin": "good"})
    write_distribution(site, "script-dist", "1.0", "[console_scripts]\nrun = exits:main\n[zoo.other]\nx = exits\n")
    zoo.refresh()
    assert "script-dist" not in {record.distribution for record in zoo.list_plugins()}


@pytest.mark.parametrize("fault", ["import_error", "exits", "hook_misspelt", "wrong_version"])
def test_strict_raises_what_is_else_recorded(install, monkeypatch, fault):
    install("broken-dist", {"broken": fault})
    monkeypatch.setenv("ZOO_STRICT", "1")
    with pytest.raises(PluginLoadError) as caught:
        zoo.list_models()
    assert str(caught.value).startswith("plugin broken (entry point 'broken' of broken-dist 1.0): ")
    assert FAULTS[fault] in str(caught.value)
    assert isinstance(caught.value.__cause__, BaseException)
    monkeypatch.setenv("ZOO_STRICT", "0")
    with pytest.warns(PluginLoadWarning):
        assert "residual" in zoo.list_models()


def test_what_a_plugin_prints_goes_to_stderr(install, capsys):
    install("loud-dist", {"loud": "prints"})
    assert "talkative" in zoo.list_models()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "printed at import\nprinted by the hook\n"


def test_a_plugin_that_imports_keras_is_marked_slow(install, tmp_path):
    site = install("slow-dist", {"slow": "imports_keras"})
    install("good-dist", {"good_plugin": "good"})
    # The name is what counts; Keras itself would take seconds.
    (site / "keras.py").write_text("__version__ = 'stand-in'\n")
    code = "import zoo; print({record.name: record.status for record in zoo.list_plugins()}, zoo.list_models('heavy'))"
    done = run_python(code, site)
    assert "'slow': 'slow'" in done.stdout
    assert "'good_plugin': 'ok'" in done.stdout
    assert "['heavy']" in done.stdout
    assert done.stderr == ""
