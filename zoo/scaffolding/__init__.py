"""Scaffolding for ``zoo new``: a package project, or a plugin file for a registry. Does not import Keras."""

from zoo.scaffolding.names import check_new_name
from zoo.scaffolding.writing import registry_entry, registry_in_use, write_plugin_file, write_project

__all__ = ["check_new_name", "registry_entry", "registry_in_use", "write_plugin_file", "write_project"]
