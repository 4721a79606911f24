"""Lazy import of Keras, for the commands that need it."""

from __future__ import annotations

import logging
import os
import sys
import tempfile

import click

from zoo.errors import BackendError
from zoo.startup import explain_backend, explaining_failures


def import_keras() -> None:
    """Import Keras and hide what its backend's libraries print, unless the import fails.

    Raises:
        BackendError: Keras' backend is not installed or cannot be imported, or Keras' settings are not valid.
    """
    if "keras" in sys.modules:
        return
    reason = explain_backend()
    if reason is not None:
        raise BackendError(reason)
    if sys.stderr.isatty():
        click.echo("zoo: starting Keras ...\r", err=True, nl=False)
    sys.stderr.flush()
    kept = os.dup(2)
    with explaining_failures(), tempfile.TemporaryFile() as noise:
        os.dup2(noise.fileno(), 2)
        try:
            import keras

            keras.backend.backend()
            logging.getLogger("tensorflow").setLevel(logging.ERROR)
        except BaseException:
            context = click.get_current_context(silent=True)
            if context is not None and context.find_root().params.get("debug"):
                noise.seek(0)
                os.write(kept, noise.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
    if sys.stderr.isatty():
        click.echo("                       \r", err=True, nl=False)
