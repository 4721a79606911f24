"""The page's scripts, each put together from files of ``static``."""

from __future__ import annotations

from importlib.resources import files

ENGINE = ("products.js", "operators.js", "network.js", "likelihoods.js", "serve.js")


def read_static(name: str) -> str:
    """Return a file of ``static``."""
    return files("zoo.explorer").joinpath("static", name).read_text(encoding="utf-8")


def engine_script() -> str:
    """Return the definition of ``makeEngine``, a function without arguments that a worker can be made of."""
    parts = "\n".join(read_static(name) for name in ENGINE)
    offered = "openModel, listen, makeNetwork, LOG_PROBABILITIES"
    return f'function makeEngine() {{\n"use strict";\n{parts}\nreturn {{ {offered} }};\n}}\n'
