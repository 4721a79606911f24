"""The page's script, put together from the files of ``static``."""

from __future__ import annotations

from importlib.resources import files

ENGINE = ("products.js", "operators.js", "network.js", "likelihoods.js", "serve.js")
APP = (
    "content.js", "client.js", "pictures.js", "map.js", "sliders.js", "between.js", "samples.js", "own.js",
    "paint.js", "levels.js", "start.js",
)  # fmt: skip


def read_static(name: str) -> str:
    """Return a file of ``static``."""
    return files("zoo.explorer").joinpath("static", name).read_text(encoding="utf-8")


def engine_script() -> str:
    """Return the definition of ``makeEngine``, a function without arguments that a worker can be made of."""
    parts = "\n".join(read_static(name) for name in ENGINE)
    offered = "openModel, listen, makeNetwork, readArray, LOG_PROBABILITIES"
    return f'function makeEngine() {{\n"use strict";\n{parts}\nreturn {{ {offered} }};\n}}\n'


def app_script() -> str:
    """Return the whole script."""
    parts = "\n".join(read_static(name) for name in APP)
    return f'\n(() => {{\n"use strict";\n{engine_script()}\n{parts}\n}})();\n'
