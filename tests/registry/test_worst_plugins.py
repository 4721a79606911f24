"""Plugins at their worst: many broken ones at once, imports that do not end, and an editable install."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from support.paths import SAMPLE_PLUGINS

import zoo
from zoo.errors import PluginLoadWarning
from zoo.registry import import_timer as import_watch

BROKEN = {  # entry point -> (module, its text or None for a file of sample_plugins, words of its error)
    "no_builders_file": ("not_installed_anywhere", None, "No module named 'not_installed_anywhere'"),
    "exits": ("exits", None, "SystemExit"),
    "none": ("gives_none", None, "returned None"),
    "strings": ("gives_strings", None, "expected zoo.Architecture"),
    "text": ("gives_text", None, "expected an iterable"),
    "wrong_spec": ("gives_wrong_spec", None, "expected zoo.DatasetSpec"),
    "absent": ("hook_absent", None, "implements no hook"),
    "argument": ("hook_argument", None, "Error"),
    "misspelt": ("hook_misspelt", None, "unknown hook"),
    "raises": ("hook_raises", None, "Error"),
    "half_way": ("hook_raises_half_way", None, "Error"),
    "unmarked": ("hook_unmarked", None, "not marked with @zoo.hookimpl"),
    "import_error": ("import_error", None, "Error"),
    "name_bad": ("name_bad", None, "expected lower-case letters"),
    "name_taken": ("name_taken", None, "is provided by"),
    "name_twice": ("name_twice", None, "twice"),
    "second_hook": ("second_hook_raises", None, "Error"),
    "version": ("wrong_version", None, "needs autoencoder-zoo"),
    "syntax": ("worst_syntax", "def hook(:\n", "SyntaxError"),
    "dependency": ("worst_dependency", "import torchvision_of_nobody\n", "No module named 'torchvision_of_nobody'"),
    "recursion": ("worst_recursion", "def f(): f()\nf()\n", "RecursionError"),
    "not_utf8": ("worst_bytes", b"x = '\xff'\n", "SyntaxError"),
    "null": ("worst_null", b"\0", "cannot contain null bytes"),
    "no_attribute": ("good:nothing_of_this_name", None, "nothing_of_this_name"),
}


@pytest.fixture
def worst(install):
    """Install every broken plugin and a good one."""

    def go():
        site = install("worst", {name: module for name, (module, _, _) in BROKEN.items()})
        for module, text, _ in BROKEN.values():
            if text is not None:
                (site / f"{module}.py").write_bytes(text if isinstance(text, bytes) else text.encode())
        return install("good-dist", {"good": "good"})

    return go


def test_every_broken_plugin_is_named_and_the_others_work(worst):
    worst()
    with pytest.warns(PluginLoadWarning) as caught:
        models = zoo.list_models()
    assert {"small_cnn", "deep_cnn", "residual", "vq_cnn"} < set(models)
    records = {record.name: record for record in zoo.list_plugins()}
    assert records["good"].status == "ok"
    assert set(records["good"].provides) <= {*models, *zoo.list_datasets()}
    for name, (_, _, words) in BROKEN.items():
        assert records[name].status == "failed", name
        assert words in records[name].error, records[name].error
        assert "\n" not in records[name].error
    assert len(caught) == len(BROKEN) >= 20
    assert zoo.create_model("small_cnn", image_shape=(8, 8, 1)).latent_shape == (16,)


def test_the_command_names_them_all(worst):
    site = worst()
    environment = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{Path(zoo.__file__).parents[1]}"}
    command = [sys.executable, "-m", "zoo"]
    done = subprocess.run([*command, "plugins", "--json"], env=environment, capture_output=True, text=True, check=True)
    failed = {record["name"] for record in json.loads(done.stdout) if record["status"] == "failed"}
    assert failed == set(BROKEN)
    assert done.stderr == ""
    listed = subprocess.run([*command, "list"], env=environment, capture_output=True, text=True, check=True)
    assert listed.stderr == f"zoo: warning: {len(BROKEN)} plugins were left out: see zoo plugins\n"


def test_an_import_that_does_not_end_is_named(install, monkeypatch, caplog):
    site = install("endless", {"endless": "worst_endless"})
    (site / "worst_endless.py").write_text("import time\ntime.sleep(1)\n")
    monkeypatch.setattr(import_watch, "PATIENCE", 0.1)
    with pytest.warns(PluginLoadWarning):
        zoo.list_models()
    (said,) = [record.getMessage() for record in caplog.records]
    assert said == (
        "plugin endless (entry point 'endless' of endless 1.0) is still being imported after 0.1 seconds: "
        "ZOO_DISABLE_PLUGINS=endless leaves it out"
    )


def test_interrupting_an_endless_import_names_it(install):
    site = install("endless", {"endless": "worst_endless"})
    (site / "worst_endless.py").write_text("print('waiting', flush=True)\nwhile True: pass\n")
    environment = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{Path(zoo.__file__).parents[1]}"}
    command = subprocess.Popen(
        [sys.executable, "-m", "zoo", "list"],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # What a shell starts in the background ignores it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert command.stderr.readline() == "waiting\n"
        time.sleep(0.1)
        command.send_signal(signal.SIGINT)
        _, stderr = command.communicate(timeout=30)
    finally:
        command.kill()
    assert command.returncode == 130
    assert stderr.strip() == (
        "zoo: interrupted while importing plugin endless (entry point 'endless' of endless 1.0): "
        "ZOO_DISABLE_PLUGINS=endless leaves it out"
    )


def test_a_heavy_import_is_marked_slow(install, monkeypatch):
    site = install("heavy", {"heavy": "worst_heavy"})
    source = SAMPLE_PLUGINS / "good.py"
    (site / "worst_heavy.py").write_text(source.read_text())
    assert _status("heavy") == "ok"
    monkeypatch.setattr(import_watch, "HEAVY", 0.0)
    sys.modules.pop("worst_heavy")
    zoo.refresh()
    assert _status("heavy") == "slow"


def _status(name):
    return {record.name: record.status for record in zoo.list_plugins()}[name]


@pytest.mark.slow
def test_an_editable_install(clean_registry, tmp_path):
    """A plugin that ``pip install -e`` put there is found, and a change of its file is seen."""
    project = tmp_path / "project"
    project.mkdir()
    good = SAMPLE_PLUGINS / "good.py"
    (project / "editable_plugin.py").write_text(good.read_text())
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "editable-plugin"\nversion = "3.2"\n'
        '[project.entry-points.zoo]\nmine = "editable_plugin"\n'
        '[tool.hatch.build]\ndev-mode-dirs = ["."]\n'
        '[tool.hatch.build.targets.wheel]\ninclude = ["editable_plugin.py"]\n'
    )
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--prefix", tmp_path, "-e", project], check=True, capture_output=True)
    site = sysconfig.get_path("purelib", vars={"base": tmp_path})
    # Python reads the .pth file of a site folder only.
    code = f"import site, json; site.addsitedir({str(site)!r}); import zoo; from dataclasses import asdict\n"
    code += "print(json.dumps([asdict(record) for record in zoo.list_plugins()]))"
    environment = {**os.environ, "PYTHONPATH": str(Path(zoo.__file__).parents[1])}

    def record():
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        (found,) = [item for item in json.loads(done.stdout) if item["name"] == "mine"]
        return found

    assert (record()["status"], record()["version"]) == ("ok", "3.2")
    (project / "editable_plugin.py").write_text("raise RuntimeError('changed')")
    assert "RuntimeError: changed" in record()["error"]
