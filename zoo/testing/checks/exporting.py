"""Checks that a model can leave the zoo."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.testing.rule import CheckFailure, CheckSkipped, check
from zoo.testing.shapes import show_shape

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

FORMATS = ("onnx", "litert")  # A SavedModel holds whatever TensorFlow computes.


def find_converters() -> tuple[list[str], str]:
    """Return the formats that can be written here, and why the others cannot."""
    from zoo.errors import ExportError
    from zoo.exporting.formats import FORMATS as ALL

    found, reasons = [], []
    for name in FORMATS:
        try:
            ALL[name].check()
            found.append(name)
        except ExportError as error:
            reasons.append(str(error))
    return found, "; ".join(reasons)


@check(slow=True)
def check_export(subject: Subject) -> None:
    """What is exported to ONNX and LiteRT, where they are installed, computes what the model does, odd sizes too."""
    from zoo.errors import ExportError
    from zoo.exporting import export
    from zoo.exporting.formats import FORMATS as ALL

    found, reasons = find_converters()
    if not found:
        raise CheckSkipped(reasons)
    models = [(subject.shape, subject.example)]
    if subject.shapes.odd not in (None, subject.shape):
        models.append((subject.shapes.odd, subject.build(subject.shapes.odd)))
    for shape, model in models:
        for name in found:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    export(model, Path(folder, f"model{ALL[name].suffix}"), name, images=subject.images(shape))
                except ExportError as error:
                    raise CheckFailure(
                        f"for {show_shape(shape)}: {error}: use layers and operations that runtimes have, such as "
                        "ops.top_k instead of ops.argmin"
                    ) from error
