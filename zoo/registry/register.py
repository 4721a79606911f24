"""Registering an architecture or a dataset from a script or a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar, overload

from zoo.registry import catalogue
from zoo.registry.loading import Plugin, bind, check_version
from zoo.registry.record import PluginRecord
from zoo.registry.specs import Architecture, DatasetSpec

Class = TypeVar("Class", bound=type)


@overload
def register(item: Architecture) -> Architecture: ...
@overload
def register(item: DatasetSpec) -> DatasetSpec: ...
@overload
def register(item: str, *, summary: str = ..., **fields: Any) -> Callable[[Class], Class]: ...


def register(item: Architecture | DatasetSpec | str, *, summary: str = "", **fields: Any) -> Any:
    """Register an architecture or a dataset from a script or a notebook.

    Registering again from the same module and qualified name replaces the item, so a notebook cell can be run twice.

    Args:
        item: an ``Architecture`` or a ``DatasetSpec``; or a name, in which case the result decorates a class with
            ``build_encoder`` and ``build_decoder``, static methods or plain functions.
        summary: one line for tables; by default the first line of the class's docstring.
        **fields: further fields of ``Architecture``, such as ``defaults``.

    Returns:
        The item itself; or a decorator that returns the class unchanged.

    Raises:
        DuplicateNameError: another plugin has the name.
        PluginLoadError: the architecture needs another version of the zoo.
        TypeError: the item is something else.
        ValueError: a field of the architecture is not valid, or the class lacks a builder.

    Example:
        ```python
        @zoo.register("my_ae", defaults={"latent_dim": 8})
        class MyAutoEncoder:
            @staticmethod
            def build_encoder(image_shape, latent_shape): ...

            @staticmethod
            def build_decoder(latent_shape, output_shape): ...
        ```
    """
    if isinstance(item, Architecture | DatasetSpec):
        beside = [*(["summary"] if summary else []), *fields]
        if beside:
            kind = type(item).__name__
            raise TypeError(f"{', '.join(beside)} given with {'an' if kind[0] == 'A' else 'a'} {kind}: set them in it")
        caller = sys._getframe(1).f_globals.get("__name__", "__main__")
        _register(item, f"{caller}.{item.name}", caller)
        return item
    if not isinstance(item, str):
        raise TypeError(
            f'register got {item!r}: expected a name, as in @zoo.register("my_ae"), an Architecture or a DatasetSpec'
        )

    def decorate(cls: Class) -> Class:
        for builder in ("build_encoder", "build_decoder"):
            if not callable(getattr(cls, builder, None)):
                raise ValueError(
                    f"class {cls.__qualname__} has no function {builder}: expected build_encoder and build_decoder"
                )
        line = summary or next(iter((cls.__doc__ or "").strip().splitlines()), "")
        made = Architecture(item, line, cls.build_encoder, cls.build_decoder, **fields)  # type: ignore[attr-defined]
        _register(made, f"{cls.__module__}.{cls.__qualname__}", cls.__module__)
        return cls

    return decorate


def _register(item: Architecture | DatasetSpec, key: str, module: str) -> None:
    record = PluginRecord(name=key, origin=f"zoo.register in {module}", provides=(item.name,))
    if isinstance(item, Architecture):
        check_version(item)
        catalogue.add_plugin(Plugin(record, architectures=[bind(item, record)]))
    else:
        catalogue.add_plugin(Plugin(record, datasets=[bind(item, record)]))
