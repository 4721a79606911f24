"""How the conformance kit is run: from Python, by the command, and by pytest."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support.paths import TESTS
from support.wrong_architectures import CASES

import zoo
from zoo.cli import main
from zoo.data import Dataset, Split
from zoo.registry import catalogue
from zoo.registry.loading import Plugin
from zoo.registry.record import PluginRecord
from zoo.testing.catalogue import list_checks
from zoo.testing.pytest_checks import parametrize_checks
from zoo.testing.rule import CheckFailure

SUITE = ["-m", "pytest", "-p", "zoo.testing.pytest_plugin", "-p", "no:cacheprovider", "-q"]
FILE = """
import keras
from zoo import Architecture, hookimpl


def build_encoder(image_shape, latent_shape):
    from zoo.layers import GaussianHead
    images = keras.Input(image_shape)
    return keras.Model(images, GaussianHead(latent_shape)(images))


def build_decoder(latent_shape, output_shape):
    z = keras.Input(latent_shape)
    x = keras.layers.Dense(output_shape[0] * output_shape[1] * output_shape[2])(z)
    return keras.Model(z, keras.layers.Reshape(output_shape)(x))


@hookimpl
def zoo_architectures():
    yield Architecture("from_file", "Dense", build_encoder, build_decoder, {"latent_dim": 4})
"""


def run(*words, cwd, code=0, errors=False, **settings):
    paths = [str(Path(zoo.__file__).parent.parent), str(TESTS)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ZOO_", "PYTEST"))}
    environment |= {"PYTHONPATH": os.pathsep.join(paths), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **settings}
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr if errors else done.stdout


def test_rules_are_sentences_with_names_that_say_what_they_check():
    names = [item.name for kind in ("architecture", "dataset") for item in list_checks(kind)]
    assert len(names) == len(set(names)) > 30
    for kind in ("architecture", "dataset"):
        for item in list_checks(kind):
            assert item.name.startswith("check_")
            assert item.rule.endswith(".")
    assert {item.name for item in list_checks() if item.slow}.isdisjoint(item.name for item in list_checks(fast=True))


def test_a_failure_has_every_broken_rule(clean_registry):
    zoo.register(CASES["sigmoid_at_the_end"][0])
    # Its loss falls by about what check_loss_falls asks for, in some versions of Keras by a little less.
    message = r"sigmoid_at_the_end: [12] of \d+ checks failed:\n- check_decoder_is_linear: 2 of 2"
    with pytest.raises(CheckFailure, match=message):
        zoo.testing.check_architecture("sigmoid_at_the_end", fast=True)


def test_an_unforeseen_error_is_a_failure_with_its_place(clean_registry):
    from zoo.testing.rule import Check
    from zoo.testing.runner import call_check

    item = Check("check_x", "It works.", lambda subject: 1 / 0, "dataset")
    with pytest.raises(CheckFailure, match=r"raised ZeroDivisionError: .*test_kit.py:\d+.*It works"):
        call_check(item, None)


def test_unknown_names():
    with pytest.raises(zoo.errors.UnknownNameError, match="did you mean 'small_cnn'"):
        zoo.testing.check_architecture("small_cn")
    with pytest.raises(ValueError, match="expected_failures names check_absent: expected some of check_summary"):
        parametrize_checks("small_cnn", expected_failures={"check_absent": "no reason"})


@pytest.mark.slow
def test_command_with_a_plugin_file_that_imports_keras(clean_registry, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(FILE)
    done = CliRunner().invoke(main, ["check", "--plugin", str(file), "--fast", "--json"])
    assert done.exit_code == 1, done.output
    (report,) = json.loads(done.stdout)
    assert report["name"] == "from_file"
    assert [check["name"] for check in report["checks"] if check["status"] == "failed"] == [
        "check_listing_imports_no_keras"
    ]
    assert report["counts"]["failed"] == 1
    assert not report["passed"]
    assert report["import_seconds"] > 0
    assert report["parameters"] == 28 * 28 * 8 + 8 + 5 * 28 * 28 * 2
    assert report["flops"] > 2 * 28 * 28 * 8


def test_command_prints_a_table_and_the_mend(clean_registry):
    zoo.register(CASES["idle_default"][0])
    done = CliRunner().invoke(main, ["check", "idle_default", "mnist_sample", "--fast"])
    assert done.exit_code == 1
    assert "✓ check_summary_is_one_line" in done.stdout
    assert "✗ check_defaults_reach_a_builder" in done.stdout
    assert "- check_listing_imports_no_keras" in done.stdout
    assert (
        "check_defaults_reach_a_builder failed: no builder takes width from the defaults as an argument" in done.stdout
    )
    assert "which may import Keras first: check_listing_imports_no_keras\n" in done.stdout
    assert "1 failed, 1 skipped in" in done.stdout
    assert "group" not in done.stdout  # Rules for hierarchical models are not for this one.
    assert "✓ check_dataset_loads" in done.stdout


def test_an_interrupted_command_prints_what_it_has_and_what_ran(clean_registry):
    def build_encoder(image_shape, latent_shape):
        if image_shape[2] == 2:
            raise KeyboardInterrupt
        return CASES["idle_default"][0].encoder(image_shape, latent_shape)

    zoo.register(zoo.Architecture("endless", "x", build_encoder, CASES["idle_default"][0].decoder, {"latent_dim": 4}))
    done = CliRunner().invoke(main, ["check", "endless"])
    assert done.exit_code == 130
    assert "✓ check_builds_for_colour_images" in done.stdout
    assert "interrupted while running check_builds_for_an_odd_size, check 9 of" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "pass the name of an architecture, a dataset, a likelihood or a metric, or --plugin"),
        (["absent"], "no architecture is called 'absent'"),
    ],
)
def test_wrong_usage(words, message):
    done = CliRunner().invoke(main, ["check", *words])
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_plugin_that_cannot_be_loaded(tmp_path):
    done = CliRunner().invoke(main, ["check", "--plugin", str(tmp_path / "absent.py")])
    assert done.exit_code == 1
    assert "absent.py: no such file" in done.stderr


@pytest.mark.slow
def test_three_lines_in_pytest(tmp_path):
    (tmp_path / "conftest.py").write_text(
        "import zoo\nfrom support.wrong_architectures import CASES\nzoo.register(CASES['sigmoid_at_the_end'][0])\n"
    )
    (tmp_path / "test_mine.py").write_text(
        "import zoo.testing\n"
        "@zoo.testing.parametrize_checks('sigmoid_at_the_end', fast=True,"
        " expected_failures={'check_decoder_is_linear': 'on purpose', 'check_scores': 'it passes'})\n"
        "def test_conformance(check): check()\n"
    )
    printed = run(*SUITE, "-rxfE", cwd=tmp_path, code=1)
    assert "XFAIL test_mine.py::test_conformance[check_decoder_is_linear] - on purpose" in printed
    assert "FAILED test_mine.py::test_conformance[check_scores]" in printed
    assert "1 failed" in printed.splitlines()[-1]
    assert "1 xfailed" in printed.splitlines()[-1]


@pytest.mark.slow
def test_without_a_file(tmp_path):
    words = ["--pyargs", "zoo.testing.suite", "--zoo-dataset", "mnist_sample"]
    assert "6 passed" in run(*SUITE, *words, cwd=tmp_path)
    printed = run(*SUITE, *words, "--zoo-model", "small_cnn", "--zoo-fast", "--collect-only", cwd=tmp_path)
    assert "::test_conformance[small_cnn-check_loss_falls]" in printed
    assert "check_float16_step" not in printed
    said = run(*SUITE, "--pyargs", "zoo.testing.suite", "--zoo-model", "smal_cnn", cwd=tmp_path, code=4, errors=True)
    assert said.startswith("ERROR: no architecture is called 'smal_cnn': did you mean 'small_cnn'")


@pytest.mark.slow
def test_a_plugin_file_without_a_file_of_tests(tmp_path):
    (tmp_path / "mine.py").write_text(FILE)
    words = ["--pyargs", "zoo.testing.suite", "--zoo-plugin", "mine.py", "--zoo-model", "from_file", "--collect-only"]
    assert "::test_conformance[from_file-check_loss_falls]" in run(*SUITE, *words, cwd=tmp_path)


def test_listing_checks_and_pytests_options_import_nothing_heavy(tmp_path):
    code = (
        "import sys, zoo.testing.pytest_plugin\nlight = set(sys.modules)\nassert 'numpy' not in light\n"
        "import zoo.testing\nzoo.testing.list_checks()\n"
        "assert not {'keras', 'tensorflow', 'jax', 'scipy', 'matplotlib'} & set(sys.modules)\n"
    )
    run("-c", code, cwd=tmp_path)


def make_dataset(name="wrong_set", *, top=255, seed=0, same=False, classes=("a", "b")):
    draw = np.random.default_rng(seed)
    images = {part: draw.integers(0, top + 1, (20, 8, 8, 1), np.uint8) for part in ("train", "validation", "test")}
    if same:
        images["test"] = images["train"]
    splits = [Split(values, np.arange(20) % 2, name, part) for part, values in images.items()]
    train, validation, test = splits
    return Dataset(name, train, validation, test, classes, (8, 8, 1))


DATASETS = {
    "check_dataset_summary_is_one_line": ({"summary": ""}, {}, "expected one line"),
    "check_dataset_recipe": ({"recipe": {"likelihood": "absent"}}, {}, "fix DatasetSpec"),
    "check_dataset_loads": ({}, {"classes": ("a", "b", "c")}, "make the values in Dataset and DatasetSpec equal"),
    "check_dataset_has_grey_levels": ({}, {"top": 1}, "multiply by 255"),
    "check_dataset_repeats": ({}, {"seed": None}, "with a fixed seed"),
    "check_dataset_splits_share_no_image": ({}, {"same": True}, "20 of 20 test images are training images too"),
}


@pytest.mark.parametrize("check", [item.name for item in list_checks("dataset")])
def test_wrong_datasets(clean_registry, check):
    fields, options, mend = DATASETS[check]
    fields = {"summary": "Breaks a rule", "classes": ("a", "b"), **fields}
    spec = zoo.DatasetSpec("wrong_set", image_shape=(8, 8, 1), load=lambda data_dir: make_dataset(**options), **fields)
    catalogue.add_plugin(Plugin(PluginRecord("wrong_set", "here", provides=("wrong_set",)), items=[spec]))
    with pytest.raises(CheckFailure, match=r"^wrong_set: 1 of 6 checks failed:") as failure:
        zoo.testing.check_dataset("wrong_set")
    assert check in str(failure.value)
    assert mend in str(failure.value)
