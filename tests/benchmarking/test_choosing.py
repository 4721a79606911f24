"""Executors by name: their options, and what is said of wrong ones."""

import pytest

import zoo
from zoo.benchmarking.choosing import choose
from zoo.benchmarking.engines.on_ray import make as make_ray
from zoo.benchmarking.executor import LocalProcesses, Terms
from zoo.errors import PluginLoadWarning, UnknownNameError

BROKEN = """
from zoo import hookimpl

@hookimpl
def zoo_executors():
    raise RuntimeError("no cluster here")
"""


class Idle:
    closed = False

    def submit(self, cell):
        raise AssertionError

    def close(self):
        self.closed = True


def test_the_local_one_is_the_default():
    with choose(None, {}, Terms(jobs=2)) as (executor, lost_after):
        assert isinstance(executor, LocalProcesses)
        assert lost_after == 600


def test_a_registered_executor_gets_its_options_and_is_closed(clean_registry):
    made = []

    def make(terms, size=1, **more):
        made.append((terms, size, more, Idle()))
        return made[-1][-1]

    zoo.register(zoo.ExecutorSpec("idle", "Does nothing", make))
    terms = Terms(time_limit=5.0)
    with choose("idle", {"size": 3, "lost_after": 7, "colour": "red"}, terms) as (executor, lost_after):
        assert (made, lost_after) == ([(terms, 3, {"colour": "red"}, executor)], 7.0)
        assert not made[0][-1].closed
    assert made[0][-1].closed


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("loca", {}, UnknownNameError, "no executor is called 'loca': did you mean 'local'"),
        ("local", {"cpus": 2}, TypeError, "executor local: unknown option 'cpus': expected one of lost_after"),
        ("local", {"lost_after": 0}, ValueError, "lost_after is 0: expected a number of seconds above 0"),
        ("empty", {}, TypeError, "expected an object with the method submit"),
        (Idle(), {"cpus": 2}, TypeError, "cpus given with an executor that is made already"),
    ],
)
def test_wrong_names_and_options(clean_registry, tmp_path, name, options, error, message):
    zoo.register(zoo.ExecutorSpec("empty", "Makes nothing", lambda terms: None))
    with pytest.raises(error, match=message), choose(name, options, Terms()):
        pass


def test_a_wrong_name_stops_a_benchmark_before_its_folder_is_made(tiny, tmp_path):
    with pytest.raises(UnknownNameError, match="no executor is called 'cloud'"):
        zoo.benchmark("tiny_cnn/tiny", full=True, out=tmp_path / "runs", executor="cloud")
    assert not (tmp_path / "runs").exists()


def test_a_broken_executor_plugin_breaks_nothing_else(clean_registry, write_registry, monkeypatch):
    registry = write_registry("plugins: [./broken.py]")
    (registry.parent / "broken.py").write_text(BROKEN)
    monkeypatch.setenv("ZOO_REGISTRY", str(registry))
    with pytest.warns(PluginLoadWarning, match="no cluster here"):
        assert "small_cnn" in zoo.list_models()
    with choose("local", {}, Terms()):
        pass


@pytest.mark.parametrize(
    ("terms", "options", "message"),
    [
        (Terms(), {"cpus": 0}, "cpus is 0: expected a number above 0"),
        (Terms(), {"gpus": -1}, "gpus is -1: expected a number of at least 0"),
        (Terms(), {"collect": "yes"}, "collect is 'yes': expected true or false"),
        (Terms(jobs=2), {"address": "auto"}, "jobs is for a cluster that is started here"),
    ],
)
def test_wrong_options_of_ray(terms, options, message):
    with pytest.raises(ValueError, match=message):
        make_ray(terms, **options)
