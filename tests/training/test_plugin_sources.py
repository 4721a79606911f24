"""The digest of a plugin's code changes with the code, and with nothing else."""

import json
import sys

import pytest

import zoo
from zoo.errors import RunError
from zoo.training import resume
from zoo.training.plugin_sources import digest_sources

BUILDERS = """
from zoo.plugins.small_cnn.model import build_decoder as decode
from zoo.plugins.small_cnn.model import build_encoder as encode


def build_encoder(image_shape, latent_shape):
    return encode(image_shape, latent_shape, [2])


def build_decoder(latent_shape, output_shape):
    return decode(latent_shape, output_shape, [2])
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module with builders, in a package that has another file."""
    package = tmp_path / "site" / "sourced"
    package.mkdir(parents=True)
    for name, text in {"__init__": "", "model": BUILDERS, "blocks": "WIDTH = 2\n"}.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(package.parent)
    yield package / "model.py"
    for name in [name for name in sys.modules if name.partition(".")[0] == "sourced"]:
        del sys.modules[name]


def test_it_follows_the_code(module, architecture):
    mine = architecture(encoder="sourced.model:build_encoder", decoder="sourced.model:build_decoder")
    first = digest_sources(mine)
    assert len(first) == 64
    module.write_text(f"# A remark.\n\n{BUILDERS.replace('[2])', '[2])  ')}\n\n")
    assert digest_sources(mine) == first
    module.write_text(BUILDERS.replace("[2]", "[3]"))
    second = digest_sources(mine)
    assert second != first
    (module.parent / "blocks.py").write_text("WIDTH = 3\n")
    third = digest_sources(mine)
    assert third != second
    (module.parent / "parts").mkdir()
    (module.parent / "parts" / "blocks.py").write_text("WIDTH = 3\n")  # Wherever in the package.
    assert digest_sources(mine) != third


def test_classes_of_the_zoo_are_no_code_of_the_plugin(module, architecture):
    """Else every change of the zoo would be one of the plugin's."""
    builders = {"encoder": "sourced.model:build_encoder", "decoder": "sourced.model:build_decoder"}
    plain = digest_sources(architecture(**builders))
    assert digest_sources(architecture(**builders, autoencoder="zoo:HierarchicalAutoEncoder")) == plain


PLUGIN = """
from zoo import Architecture, LikelihoodSpec, hookimpl

@hookimpl
def zoo_architectures():
    yield Architecture("beside", "x", "nets.py:build_encoder", build_decoder, {"latent_dim": 2})

@hookimpl
def zoo_likelihoods():
    yield LikelihoodSpec("measured", "x", "density.py:Measured")

def build_decoder(latent_shape, output_shape):
    from zoo.plugins.small_cnn.model import build_decoder
    return build_decoder(latent_shape, output_shape, [2])
"""
NETS = """
import sys
from pathlib import Path

def build_encoder(image_shape, latent_shape):
    sys.path.insert(0, str(Path(__file__).parent))
    import helper_of_beside
    from zoo.plugins.small_cnn.model import build_encoder
    return build_encoder(image_shape, latent_shape, [helper_of_beside.WIDTH])
"""
DENSITY = """
from zoo.likelihoods import Gaussian

class Measured(Gaussian):
    pass
"""


def test_it_follows_the_files_beside_a_plugin_file(clean_registry, tmp_path, write_registry, monkeypatch):
    files = {
        "beside.py": PLUGIN,
        "nets.py": NETS,
        "density.py": DENSITY,
        "helper_of_beside.py": "import inner_of_beside\nWIDTH = 2\n",
        "inner_of_beside/__init__.py": "DEPTH = 1\n",
        "unused.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("ZOO_REGISTRY", str(write_registry("plugins: [./beside.py]\n")))
    zoo.refresh()
    seen = [digests_of("beside")]
    for name, changed in (
        ("unused.py", ()), ("density.py", (1,)), ("helper_of_beside.py", (0, 1)), ("nets.py", (0, 1)),
        ("inner_of_beside/__init__.py", (0, 1)), ("beside.py", (0, 1)),
    ):  # fmt: skip
        (tmp_path / name).write_text(f"{files[name]}CHANGED = True\n")
        seen.append(digests_of("beside"))
        assert None not in seen[-1]
        pairs = zip(seen[-2], seen[-1], strict=True)
        assert tuple(number for number, (old, new) in enumerate(pairs) if old != new) == changed, name


def digests_of(name):
    """Return the digest with one of the zoo's likelihoods, and with the plugin's own."""
    found = getattr(zoo.models, name)
    return digest_sources(found, "bernoulli"), digest_sources(found, "measured")


def test_it_is_that_of_the_zoos_own_wherever_they_lie(clean_registry):
    digests = {name: digest_sources(getattr(zoo.models, name)) for name in zoo.list_models()}
    assert None not in digests.values()
    assert len(set(digests.values())) == len(digests)


def test_code_without_a_file_has_none(clean_registry, add, architecture):
    assert digest_sources(add("mine")) is None  # Registered in this process.
    assert digest_sources(architecture(encoder="absent_module:encoder")) is None
    space = {"__name__": "a_cell_of_a_notebook"}
    exec("def build(image_shape, latent_shape): ...", space)
    assert digest_sources(architecture(encoder=space["build"], decoder=space["build"])) is None


@pytest.mark.slow
def test_a_run_whose_plugin_has_changed_does_not_go_on(tiny, few_pictures, tmp_path, interrupted):
    with interrupted(), pytest.raises(KeyboardInterrupt):
        zoo.train("tiny_cnn/tiny", out=tmp_path, progress=False)
    (file,) = tmp_path.glob("tiny_cnn/*/*/run.json")
    record = json.loads(file.read_text())
    assert record["provenance"]["plugin_sources"] == digest_sources(zoo.models.tiny_cnn)
    record["provenance"]["plugin_sources"] = "0" * 64
    file.write_text(json.dumps(record))
    with pytest.raises(RunError, match="the code of the plugin changed since the run began: restore it, or"):
        resume(file.parent, progress=False)
    del record["provenance"]["plugin_sources"]
    file.write_text(json.dumps(record))
    assert resume(file.parent, progress=False).status == "finished"
