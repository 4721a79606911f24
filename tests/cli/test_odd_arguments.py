"""Odd arguments: a sentence and status 2, whatever is given."""

import os
import string
import sys

import pytest

import zoo

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

MANY, FEW = int(os.environ.get("ZOO_FUZZ", "2000")), 40
VALUES = {
    "[" * 2000: "nested too deeply",
    "[" * 2000 + "]" * 2000: "nested too deeply",
    "{a: " * 900 + "1" + "}" * 900: "nested too deeply",
    "&a [*a]": "levels of them",
    "9" * 5000: "4300 digits",
    "1e400": "it is inf: expected plain values",
    ".nan": "it is nan: expected plain values",
    "2024-99-99": "month must be in 1..12",
    "2024-01-01": "expected plain values",
    "!!python/object:os.system": "could not determine a constructor",
    '"\\ud800"': "all of which UTF-8 has",
    "x" * 20_000: "20,000 characters",
}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:20])
@pytest.mark.parametrize("name", ["train", "benchmark"])
def test_a_value_that_cannot_be_used_is_a_sentence(command, value, name):
    done = command(name, "small_cnn/mnist_sample", "--set", f"filters={value}")
    assert done.exit_code == 2
    assert VALUES[value] in done.stderr
    assert len(done.stderr) < 1000
    assert done.stdout == ""


def test_more_runs_than_anyone_trains_are_refused_before_they_are_listed(command):
    for arguments in (
        ["--seeds", "100000000"],
        ["--seeds", "9" * 30],
        ["--seeds", "1000", "--set", f"epochs={'1,' * 999}1"],
    ):
        done = command("benchmark", "small_cnn/mnist_sample", *arguments)
        assert done.exit_code == 2
        assert "expected at most 100,000" in done.stderr or "is not in the range" in done.stderr


WORDS = [
    "compress", "decompress", "list", "show", "datasets", "plugins", "train", "evaluate", "compare", "reconstruct",
    "benchmark", "report", "verify", "check", "new", "small_cnn", "residual/mnist", "*", "--json", "--presets", "--set",
    "--seed", "--epochs", "--out", "--help", "--version", "--debug", "--registry", "--data", "--limit", "--model",
    "--against", "--", "-", "", "=", "a=b", "a=[",
    "filters=[[", "-1", "0", "1e999", "nan", "9" * 40, "\x00", "\x1b[31m", "\udc80", "é", "../..", "/dev/null",
    "~", "%s", "{}", "$HOME", "folder:", "folder:/nonexistent", "\n", "x" * 5000, "[" * 3000,
]  # fmt: skip


@pytest.mark.parametrize(
    "examples", [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.slow)]
)
def test_any_arguments_end_with_a_status_and_no_traceback(command, examples, tmp_path, monkeypatch):
    from zoo.cli import keras_import

    original = keras_import.import_keras

    class StopError(zoo.errors.ZooError):
        """What stands for all that follows the arguments."""

    def stop():
        raise StopError("arguments are accepted")

    for module in ("benchmark", "check", "images.compress", "images.pictures", "report", "scoring", "trained",
                   "training", "verify"):  # fmt: skip
        __import__(f"zoo.cli.{module}")
    for module in [module for name, module in sys.modules.items() if name.startswith("zoo.cli.")]:
        if getattr(module, "import_keras", None) is original:
            monkeypatch.setattr(module, "import_keras", stop)
    hypothesis.configuration.set_hypothesis_home_dir(tmp_path / "hypothesis")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_REGISTRY", "")
    word = st.one_of(st.sampled_from(WORDS), st.text(string.printable, max_size=12))

    @hypothesis.settings(
        max_examples=examples, deadline=None, database=None, derandomize=examples == FEW,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(st.sampled_from(WORDS[:15]), st.lists(word, max_size=5))
    def call(name, words):
        # Whole files are written by zoo new and zoo report alone.
        done = command(name, *words) if name not in ("new", "report") else command(name, *words, "--no-such-option")
        assert done.exit_code in (0, 1, 2)
        assert "Traceback" not in done.output or "--debug" in words
        assert "zoo --debug shows where" not in done.stderr
        if done.exit_code and name != "check":
            assert done.stderr

    call()
