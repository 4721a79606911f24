"""What ``zoo new`` writes: a project for a package of one's own, or a plugin file for a registry. No Keras here."""

from zoo.scaffolding.names import check_new_name
from zoo.scaffolding.writing import registry_entry, registry_in_use, write_plugin_file, write_project

__all__ = ["check_new_name", "registry_entry", "registry_in_use", "write_plugin_file", "write_project"]
