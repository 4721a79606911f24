"""Every error that the zoo raises on purpose; each message says what was got, what is expected, and the way out."""

__all__ = [
    "ArchitectureError",
    "DatasetError",
    "DuplicateNameError",
    "IncomparableError",
    "ModelLoadError",
    "PluginLoadError",
    "PluginLoadWarning",
    "RegistryFileError",
    "RunError",
    "UnknownNameError",
    "ZooError",
]


class ZooError(Exception):
    """The base of the zoo's own errors."""


class UnknownNameError(ZooError, LookupError):
    """A name that no plugin provides; the message has the nearest names and the plugins that failed to load."""


class DuplicateNameError(ZooError):
    """Two plugins provide one name; the message names both origins."""


class PluginLoadError(ZooError):
    """A plugin that cannot be loaded; raised under ``ZOO_STRICT=1``, else recorded (see ``zoo plugins``)."""


class PluginLoadWarning(UserWarning):
    """Warned once for each plugin that could not be loaded."""


class ArchitectureError(ZooError):
    """A builder that is missing, raises, or gives a model of the wrong shape."""


class RegistryFileError(ZooError):
    """A registry file that cannot be used; the message has the file, the line and what is allowed."""


class DatasetError(ZooError):
    """Image data that is absent, damaged or not what its name says."""


class ModelLoadError(ZooError):
    """A saved model that cannot be loaded."""


class RunError(ZooError):
    """A training run that failed or cannot be started or read."""


class IncomparableError(ZooError):
    """Two results that must not be compared; the message names every fact in which they differ."""
