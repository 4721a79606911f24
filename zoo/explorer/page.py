"""A page: one HTML file without anything from elsewhere, in which no text can become a script."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Iterable
from typing import Any

from zoo.autoencoder.checks.labels import refuse_conditional
from zoo.autoencoder.model import AutoEncoder
from zoo.errors import ExportError
from zoo.explorer.data import describe
from zoo.explorer.images import Images
from zoo.explorer.runtime import Runtime
from zoo.explorer.scripts import app_script, read_static
from zoo.notebooks import show_size
from zoo.samplers.sampler import Sampler
from zoo.shown import show

STYLES = "page.css"


def make_page(
    model: AutoEncoder,
    found: Images | None,
    title: str,
    seed: int = 0,
    runtime: Runtime | None = None,
    samplers: Iterable[Sampler] = (),
) -> str:
    """Return the page of a model.

    Args:
        model: the model.
        found: images; None for a page without any.
        title: what the page calls the model.
        seed: which images are shown.
        runtime: ONNX Runtime, to run the networks instead of the page's own interpreter.
        samplers: what the page draws from beside the prior.

    Raises:
        ExportError: the page cannot compute one of the model's networks, the model is conditional, or the package
            jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ModuleNotFoundError as error:
        raise ExportError(
            'the page needs the package jinja2, which is not installed: pip install "autoencoder-zoo[onnx]"'
        ) from error
    refuse_conditional(model, "the page", ExportError)
    content, blob = describe(model, found, seed, samplers=samplers, as_onnx=runtime is not None)
    content["title"] = title
    environment = Environment(
        loader=PackageLoader("zoo.explorer"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=_finalize,
    )  # fmt: skip
    script, styles = app_script(), read_static(STYLES)
    return environment.get_template("page.html.jinja").render(
        title=title,
        facts=_facts(model, found),
        content=content,
        data=_as_script(content),
        blob=blob.as_text(),
        runtime=runtime,
        script=script,
        script_hash=_hash(script),
        styles=styles,
        styles_hash=_hash(styles),
    )


def _finalize(value: Any) -> Any:
    """Return what the template shows, with every character that cannot be seen as an escape."""
    return show(value, lines=True) if type(value) is str else value


def _facts(model: AutoEncoder, found: Images | None) -> list[str]:
    latents = math.prod(model.latent_shape)
    facts = [f"{show_size(model.image_shape)} pixels", f"{latents:,} latents", model.likelihood.identifier]
    return [*facts, *([] if found is None else [found.source])]


def _as_script(content: dict[str, Any]) -> str:
    """Return JSON that may stand in a script element: nothing in it ends the element."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _hash(text: str) -> str:
    """Return the hash by which a content security policy allows an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
