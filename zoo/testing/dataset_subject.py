"""A dataset under test."""

from __future__ import annotations

from zoo.data.dataset import Dataset
from zoo.registry import catalogue
from zoo.registry.specs import DatasetSpec
from zoo.testing.preparation import Prepares, prepared
from zoo.testing.rule import CheckFailure, shorten


class DatasetSubject(Prepares):
    """A dataset under test.

    Args:
        name: a name from ``zoo.list_datasets()``, which may come from ``plugin``.
        plugin: a file or a module to load first.
    """

    def __init__(self, name: str, plugin: str | None = None) -> None:
        super().__init__()
        if plugin is not None:
            catalogue.load_plugin(plugin)
        self.name = name
        self.spec: DatasetSpec = catalogue.dataset(name)

    @prepared
    def data(self) -> Dataset:
        """The complete dataset."""
        from zoo.data.load import load_dataset

        try:
            return load_dataset(self.name)
        except Exception as error:
            raise CheckFailure(f"load(None) raised {shorten(error)}") from error
