import contextlib
import gc
import os
import shutil
import sys
import uuid

# Before TensorFlow is imported: the processes of pytest -n share the processors, and would wait for each other.
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    threads = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, str(threads))

import pytest
from support.distributions import write_distribution
from support.paths import SAMPLE_PLUGINS

import zoo
from zoo.registry import catalogue


def pytest_collection_finish():
    """Leave what is imported by now, half a million objects, out of all garbage collections that follow."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def forget_models():
    """Let go of a module's models: what Keras and TensorFlow keep of them slows down all that comes after."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session(free_memory=True)


@pytest.fixture(autouse=True)
def nothing_stays_registered():
    """Fail a test that registers names without ``clean_registry``: later ones would find them."""
    before = dict(catalogue._registered)
    yield
    left = catalogue._registered.keys() - before.keys()
    catalogue._registered.clear()
    catalogue._registered.update(before)
    assert not left, f"registered without the fixture clean_registry: {left}"


@pytest.fixture(autouse=True)
def own_cache(nothing_stays_registered, monkeypatch, tmp_path_factory):
    """Keep decoded images and drawn pages of a test from the user and from other tests."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path_factory.getbasetemp() / f"cache-{uuid.uuid4().hex}"))


@pytest.fixture
def clean_registry(monkeypatch):
    """Names as in a new process without settings; nothing that the test registers or installs stays."""
    for setting in ("ZOO_STRICT", "ZOO_DISABLE_PLUGINS", "ZOO_REGISTRY"):
        monkeypatch.delenv(setting, raising=False)
    monkeypatch.setattr(catalogue, "_registered", {})
    zoo.refresh()
    yield
    zoo.refresh()


@pytest.fixture
def install(clean_registry, monkeypatch, tmp_path):
    """Install a fake distribution: ``install("my-dist", {"entry point": "module of sample_plugins"}, "1.0")``."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    before = set(sys.modules)

    def install_distribution(distribution, plugins, version="1.0"):
        for target in plugins.values():
            source = SAMPLE_PLUGINS / f"{target.partition(':')[0]}.py"
            if source.exists():
                shutil.copy(source, site)
        points = "".join(f"{name} = {target}\n" for name, target in plugins.items())
        write_distribution(site, distribution, version, f"[zoo]\n{points}")
        zoo.refresh()
        return site

    yield install_distribution
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(site)):
            del sys.modules[name]


@pytest.fixture
def tiny(install):
    """``tiny_cnn/tiny``: an architecture and a dataset that train in seconds; gives the folder that they are in."""
    return install("tiny-digits", {"tiny_digits": "tiny_digits"})


@pytest.fixture
def few_pictures(monkeypatch):
    """Runs draw their history alone."""
    from zoo.training import job
    from zoo.training.pictures import draw_history

    monkeypatch.setattr(job, "draw_all", lambda run, model, test, classes, history: draw_history(run, history))


@pytest.fixture
def interrupted(monkeypatch):
    """``with interrupted(after=1):`` interrupts any training within, once so many epochs are saved."""

    @contextlib.contextmanager
    def interrupt(after=1):
        from zoo.training import callbacks

        original = callbacks.SaveEpochs.on_epoch_end

        def raise_interrupt(self, epoch, logs=None):
            original(self, epoch, logs)
            if epoch + 1 == after:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(callbacks.SaveEpochs, "on_epoch_end", raise_interrupt)
            yield

    return interrupt


@pytest.fixture
def architecture():
    """Make an ``Architecture`` with valid fields, some of them replaced."""

    def make(name="made", **fields):
        return zoo.Architecture(
            **{"name": name, "summary": "made", "encoder": "m:encoder", "decoder": "m:decoder", **fields}
        )

    return make


@pytest.fixture
def add(architecture, clean_registry):
    """Register an architecture of dense layers with some fields replaced."""

    from support.dense_parts import build_decoder, build_encoder

    def register(name="made", **fields):
        valid = {"encoder": build_encoder, "decoder": build_decoder, "defaults": {"latent_dim": 3}}
        return zoo.register(architecture(name, **{**valid, **fields}))

    return register


@pytest.fixture
def write_registry(tmp_path):
    """Write a registry file; text gets the line ``version: 1`` on top."""

    def write_file(content):
        path = tmp_path / "my registry.yaml"
        path.write_bytes(content if isinstance(content, bytes) else f"version: 1\n{content}".encode())
        return path

    return write_file


@pytest.fixture
def refusal(write_registry):
    """Return what is said of a registry file, without its path: ``:LINE: ...`` or ``: ...``."""

    from zoo.errors import RegistryFileError
    from zoo.registry.yaml_file import read_registry_file

    def refuse(content):
        path = write_registry(content)
        with pytest.raises(RegistryFileError) as caught:
            read_registry_file(path)
        message = str(caught.value)
        assert message.startswith(f"{path}:")
        assert "\n" not in message
        return message[len(str(path)) :]

    return refuse


@pytest.fixture
def command(monkeypatch):
    """Run the command in this process: ``command("list", "--json")`` gives exit status, stdout, stderr."""
    from click.testing import CliRunner

    from zoo.cli import main

    # Warnings are printed as the command prints them, not raised.
    monkeypatch.setattr("zoo.cli.command.warnings.showwarning", None)

    def run(*arguments):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    before = os.environ.get("ZOO_REGISTRY")
    yield run
    if os.environ.get("ZOO_REGISTRY") != before:  # zoo --registry sets it for the whole process.
        if before is None:
            del os.environ["ZOO_REGISTRY"]
        else:
            os.environ["ZOO_REGISTRY"] = before
        zoo.refresh()


@pytest.fixture
def new(clean_registry, monkeypatch, tmp_path):
    """Run ``zoo new`` in this process, in an empty folder."""
    from click.testing import CliRunner

    from zoo.cli import main

    folder = tmp_path / "a folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr("zoo.cli.command.warnings.showwarning", None)
    yield lambda *arguments: CliRunner().invoke(main, ["new", *map(str, arguments)])
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_ae" or name.startswith("zoo_plugin_")]:
        del sys.modules[name]
