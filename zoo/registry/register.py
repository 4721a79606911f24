"""Registering what a plugin can provide from a script or a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, overload

from zoo.registry import catalogue
from zoo.registry.executor_specs import ExecutorSpec
from zoo.registry.loading import Plugin, Spec, bind, check_version
from zoo.registry.record import PluginRecord
from zoo.registry.scoring_specs import LikelihoodSpec, Metric
from zoo.registry.signatures import PARTS, check_signature
from zoo.registry.specs import Architecture, DatasetSpec

_LIKELIHOOD = ("zoo.likelihoods.likelihood", "Likelihood")
Class = TypeVar("Class", bound=type)
Item = TypeVar("Item", Architecture, DatasetSpec, LikelihoodSpec, Metric, ExecutorSpec)


@overload
def register(item: Item) -> Item: ...
@overload
def register(item: str, *, summary: str = ..., **fields: Any) -> Callable[[Class], Class]: ...


def register(item: Spec | str, *, summary: str = "", **fields: Any) -> Any:
    """Register an architecture, a dataset, a likelihood, a metric or an executor from a script or a notebook.

    Registering again from the same module and qualified name replaces the item, so a notebook cell can be run twice.

    Args:
        item: an ``Architecture``, a ``DatasetSpec``, a ``LikelihoodSpec``, a ``Metric`` or an ``ExecutorSpec``; or a
            name, in which case the result decorates a class with ``build_encoder`` and ``build_decoder``, static
            methods or plain functions, or a subclass of ``zoo.likelihoods.Likelihood``.
        summary: one line for tables; by default the first line of the class's docstring.
        **fields: further fields of ``Architecture``, such as ``defaults``.

    Returns:
        The item itself; or a decorator that returns the class unchanged.

    Raises:
        ArchitectureError: a builder does not take two shapes, or takes an option with the name of one of the zoo's own.
        DuplicateNameError: another plugin has the name.
        PluginLoadError: the architecture needs another version of the zoo.
        TypeError: the item is something else.
        ValueError: a field is not valid, or the class lacks a builder.

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
    if isinstance(item, Spec):
        beside = [*(["summary"] if summary else []), *fields]
        if beside:
            kind = type(item).__name__
            raise TypeError(f"{', '.join(beside)} given with {'an' if kind[0] == 'A' else 'a'} {kind}: set them in it")
        space = sys._getframe(1).f_globals
        caller = space.get("__name__", "__main__")
        # The files that it refers to are next to the script, or in a notebook's folder.
        _register(item, f"{caller}.{item.name}", caller, space.get("__file__") or str(Path.cwd() / "notebook"))
        return item
    if not isinstance(item, str):
        raise TypeError(
            f'register got {item!r}: expected a name, as in @zoo.register("my_ae"), an Architecture, a DatasetSpec, a '
            "LikelihoodSpec, a Metric or an ExecutorSpec"
        )

    def decorate(cls: Class) -> Class:
        line = summary or next(iter((cls.__doc__ or "").strip().splitlines()), "")
        made = _describe_class(item, cls, line, fields)
        _register(made, f"{cls.__module__}.{cls.__qualname__}", cls.__module__)
        return cls

    return decorate


def _describe_class(name: str, cls: type, summary: str, fields: dict[str, Any]) -> Architecture | LikelihoodSpec:
    # Named, not imported: likelihoods need Keras.
    if any((base.__module__, base.__name__) == _LIKELIHOOD for base in cls.__mro__):
        return LikelihoodSpec(name, summary, cls, **fields)
    for builder in ("build_encoder", "build_decoder"):
        if not callable(getattr(cls, builder, None)):
            raise ValueError(
                f"class {cls.__qualname__} has no function {builder}: expected build_encoder and build_decoder, or a "
                "subclass of zoo.likelihoods.Likelihood"
            )
    return Architecture(name, summary, cls.build_encoder, cls.build_decoder, **fields)  # type: ignore[attr-defined]


def _register(item: Any, key: str, module: str, file: str | None = None) -> None:
    folder = None if file is None else str(Path(file).parent)
    record = PluginRecord(name=key, origin=f"zoo.register in {module}", provides=(item.name,), folder=folder)
    if isinstance(item, Architecture):
        check_version(item)
        for part in PARTS:
            builder = getattr(item, part)
            if callable(builder):
                check_signature(builder, part, f"architecture {item.name}")
    catalogue.add_plugin(Plugin(record, [bind(item, record, file)]))
