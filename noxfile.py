"""Everything that is checked: ``nox -s NAME``, or ``nox`` for the quick checks of a change.

All sessions but two run in the environment that nox is in, which has ``pip install -e ".[dev]"``, for ``jax`` also
``".[jax]"``, for ``site`` ``".[docs]"`` and for ``torch`` PyTorch: TensorFlow takes a minute to install. ``lowest`` and
``newest`` have their own environments in ``.nox/``.
"""

import glob
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).parent
LOWEST, NEWEST = "3.11", "3.13"
# What computes with the backend: rooms, not a list of tests.
BACKEND = [
    *(f"tests/{room}" for room in ("layers", "likelihoods", "schedules", "autoencoder", "saving")),
    "tests/evaluation",
    "tests/compression",
    "tests/samplers",
    "tests/integration",
    "tests/training/test_recipe_settings.py",
    "tests/weights/test_hostile.py",
    "tests/docs/test_weights_files.py",
]
# What trains, on JAX once more with the images on the device, which by default they are on a GPU alone.
ON_DEVICE = [
    *(f"tests/training/test_{name}.py" for name in ("session", "resuming", "refusals", "user_callbacks")),
    *(f"tests/autoencoder/test_{name}.py" for name in ("kl_weight", "settings", "training_modes", "training_passes")),
    "tests/saving/test_saved_model.py",
]
CONFORMANCE = "tests/testing/test_conformance.py"
WORKERS = ("-n", "2")

nox.options.sessions = ["lint", "types", "contracts", "tests"]
nox.options.default_venv_backend = "none"


@nox.session
def lint(session):
    """Style."""
    python(session, "-m", "ruff", "check", ".")
    python(session, "-m", "ruff", "format", "--check", ".")


@nox.session
def types(session):
    """Types of the package."""
    python(session, "-m", "mypy")


@nox.session
def contracts(session):
    """Which room may import which."""
    python(session, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")


@nox.session
def tests(session):
    """The fast tests; ``nox -s tests -- FILE`` runs some of them."""
    pytest(session, *session.posargs)


@nox.session
def slow(session):
    """The tests that take long."""
    # By test and not by file: one file would keep one process busy for minutes after the other is done.
    pytest(session, "-m", "slow", "--dist", "worksteal", *session.posargs)


@nox.session
def site(session):
    """The site, in ``site/``: every link, and documentation of every public name."""
    settings = {"NO_MKDOCS_2_WARNING": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    python(session, "-m", "mkdocs", "build", "--quiet", *session.posargs, env=settings)


@nox.session
def exhaustive(session):
    """Every combination of what the slow tests take a few of; for a release, not in CI."""
    pytest(session, "-m", "exhaustive", "--dist", "worksteal", *session.posargs)


@nox.session
def jax(session):
    """What computes with the backend, on JAX."""
    # Tests build the same small models again and again: what XLA has compiled for one is there for the next.
    settings = {
        "KERAS_BACKEND": "jax",
        "JAX_COMPILATION_CACHE_DIR": session.create_tmp(),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        # Compiling takes most of the time, and the compiled steps of small models none.
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }
    pytest(session, *(session.posargs or [*BACKEND, CONFORMANCE]), env=settings)
    if not session.posargs:
        pytest(session, *ON_DEVICE, env={**settings, "ZOO_DEVICE_LOOP": "always"})
        # One file, whose tests share nothing: each goes to whichever process is free.
        pytest(session, "-m", "slow", "--dist", "load", CONFORMANCE, env=settings)


@nox.session
def torch(session):
    """What computes with the backend, on PyTorch."""
    # Small models are slower with several threads, of which each worker has its own.
    settings = {"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    pytest(session, *(session.posargs or [*BACKEND, CONFORMANCE]), env=settings)


@nox.session
def lowest(session):
    """The fast tests with the lowest versions that pyproject.toml claims."""
    in_environment(session, LOWEST, "lowest", "-c", "lowest.txt")


@nox.session
def newest(session):
    """The fast tests on the newest Python."""
    in_environment(session, NEWEST, "newest")


def in_environment(session, version, name, *constraints):
    """Run the fast tests in an environment of their own, which is kept in ``.nox/``."""
    found = find_python(version)
    if found is None:
        session.skip(f"there is no Python {version}")
    folder = ROOT / ".nox" / name
    if not folder.exists():
        session.run(found, "-m", "venv", str(folder), external=True)
    own = str(folder / "bin" / "python")
    session.run(own, "-m", "pip", "install", "--quiet", *constraints, ".[test]", external=True)
    session.run(own, "-m", "pytest", *WORKERS, *session.posargs, external=True)


def find_python(version):
    """Return a Python of that version, on the path or among pyenv's, that runs."""
    name = f"python{version}"
    pyenv = os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv"
    for path in filter(None, [shutil.which(name), *sorted(glob.glob(f"{pyenv}/versions/{version}.*/bin/{name}"))]):
        # pyenv puts a name on the path that does nothing unless its version is chosen.
        if subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return None


def python(session, *arguments, **settings):
    """Run Python in the environment that nox is in."""
    session.run(sys.executable, *arguments, external=True, **settings)


def pytest(session, *arguments, **settings):
    """Run pytest in the environment that nox is in."""
    python(session, "-m", "pytest", *WORKERS, *arguments, **settings)
