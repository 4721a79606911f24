"""The zoo's own errors; each message states what was got, what is expected, and the way out."""

from zoo.shown import LONGEST, drop_colours, show, text_of

__all__ = [
    "ArchitectureError",
    "BackendError",
    "CompressionError",
    "DatasetError",
    "DuplicateNameError",
    "ExportError",
    "IncomparableError",
    "ModelLoadError",
    "PluginLoadError",
    "PluginLoadWarning",
    "RegistryFileError",
    "RunError",
    "UnknownNameError",
    "WeightsNotFoundError",
    "ZooError",
]


def one_line(error: object) -> str:
    """Return an error's message on one line, without the escape codes that Keras uses for bold text."""
    return show(" ".join(drop_colours(text_of(error, None)).split()), most=LONGEST)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 epoch``, ``2,000 epochs``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


class ZooError(Exception):
    """The base of the zoo's own errors; in their texts every character can be seen, wherever they are printed."""

    def __str__(self) -> str:
        return show(drop_colours(super().__str__()), lines=True)


class UnknownNameError(ZooError, LookupError):
    """A name that no plugin provides; the message lists the nearest names and the plugins that failed to load."""


class DuplicateNameError(ZooError):
    """A name that two plugins provide; the message states both origins."""


class CompressionError(ZooError):
    """Images that cannot be compressed or restored: no such probabilities, another model, or a damaged file."""


class ExportError(ZooError):
    """A model that cannot be exported: no converter, or what it writes computes something else."""


class PluginLoadError(ZooError):
    """A plugin that cannot be loaded; raised under ``ZOO_STRICT=1``, otherwise recorded (see ``zoo plugins``)."""


class PluginLoadWarning(UserWarning):
    """The warning issued once for each plugin that could not be loaded."""


class ArchitectureError(ZooError):
    """A builder that is missing, raises, or returns a model of the wrong shape.

    Args:
        message: what was got, and what is expected.
        way_out: what the author of the builder can do about it, if known; it is appended to the message.
    """

    def __init__(self, message: str, way_out: str | None = None) -> None:
        super().__init__(message if way_out is None else f"{message}: {way_out}")
        self.way_out = way_out


class RegistryFileError(ZooError):
    """A registry file that cannot be used; the message has the file, the line and what is allowed."""


class DatasetError(ZooError):
    """Image data that is missing, damaged or not the named dataset."""


class ModelLoadError(ZooError):
    """A saved model that cannot be loaded."""


class WeightsNotFoundError(ModelLoadError):
    """Trained weights that are in none of the places looked at; the message names each of them."""


class RunError(ZooError):
    """A training run that failed or cannot be started or read."""


class BackendError(ZooError, ImportError):
    """Keras' backend is not installed, or is not one of Keras'."""


class IncomparableError(ZooError):
    """Two results that must not be compared; the message lists every fact in which they differ."""
