"""What discovery says of plugins."""

import zoo

PLUGINS = ("small_cnn", "deep_cnn", "residual", "vq_cnn", "fsq_cnn", "ladder")
BUILT_IN = ["zoo.data", *(f"zoo.plugins.{name}" for name in PLUGINS)]
VERSION = zoo.__version__


def find_record(name):
    return next(record for record in zoo.list_plugins() if record.name == name)
