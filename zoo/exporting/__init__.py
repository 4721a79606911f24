"""Taking a model elsewhere: files that run without the zoo, each compared with the model before it is kept."""

from zoo.exporting.export import export

__all__ = ["export"]
