"""The installed versions, the backend that Keras will use (found without importing any of them), and the clock."""

from __future__ import annotations

import json
import os
import time
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import Any

DISTRIBUTION = "autoencoder-zoo"
BACKENDS = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "jax": ("jax",), "torch": ("torch",)}
KERAS_DEFAULTS = {"backend": "tensorflow", "floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}
PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy")


def package_versions() -> dict[str, str]:
    """Return the installed versions of the numerical packages."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def keras_home() -> Path:
    """Return the folder of Keras' settings and cache: ``$KERAS_HOME``, or by default ``~/.keras``."""
    return Path(os.path.expanduser(os.environ.get("KERAS_HOME") or "~/.keras"))


def read_keras_file() -> object:
    """Return the content of ``keras.json`` as Keras reads it: empty if there is none, or if it is not JSON."""
    try:
        return json.loads((keras_home() / "keras.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}


def keras_settings() -> dict[str, Any]:
    """Return the settings that Keras starts with: its own, and those of ``keras.json``."""
    content = read_keras_file()
    return {**KERAS_DEFAULTS, **(content if isinstance(content, dict) else {})}


def keras_backend() -> str:
    """Return the backend that Keras will choose, from ``$KERAS_BACKEND`` or ``keras.json``; TensorFlow by default."""
    chosen = os.environ.get("KERAS_BACKEND") or keras_settings()["backend"]
    return chosen if isinstance(chosen, str) else "tensorflow"


def describe_versions() -> str:
    """Return the backend and versions in one line, such as ``keras 3.15.1 on tensorflow 2.21.0``."""
    found, backend = package_versions(), keras_backend()
    installed = next((found[package] for package in BACKENDS.get(backend, ()) if package in found), "(not installed)")
    return f"keras {found.get('keras', '(not installed)')} on {backend} {installed}"


def find_repository() -> str | None:
    """Return the address of the zoo's repository, as ``pyproject.toml`` has it; None if the zoo is not installed."""
    try:
        addresses = metadata(DISTRIBUTION).get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    named = dict(line.split(", ", 1) for line in addresses)
    return named.get("Repository")


def install_command() -> str:
    """Return the command that installs the zoo: from its repository, since it is not on the package index yet."""
    repository = find_repository()
    return f"pip install {DISTRIBUTION}" if repository is None else f'pip install "{DISTRIBUTION} @ git+{repository}"'


def check_clock() -> None:
    """Raise ``ValueError`` if the clock shows a year that model files, which are ZIP archives, cannot hold."""
    year = time.localtime(time.time()).tm_year
    if not 1980 <= year <= 2107:
        raise ValueError(
            f"the clock of this machine shows the year {year}: model files hold the years 1980 to 2107: set the clock"
        )
