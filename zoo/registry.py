"""Names to architectures, datasets and presets. Never imports Keras."""

from __future__ import annotations

import difflib
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, TypeVar, overload

from zoo import discovery
from zoo.discovery import Plugin, PluginRecord
from zoo.errors import PluginLoadWarning, UnknownNameError
from zoo.presets import Preset, make_preset, merge_options, preset_names
from zoo.registry_file import RegistryFile, builtin_path, read_registry_file
from zoo.specs import Architecture, DatasetSpec

Class = TypeVar("Class", bound=type)


@dataclass(frozen=True)
class ModelInfo:
    """What is known of an architecture or a preset without building it; see ``get_model_info``."""

    name: str
    summary: str
    architecture: str
    dataset: str | None
    image_shape: tuple[int, int, int] | None
    config: Mapping[str, Any]
    recipe: Mapping[str, Any] | None
    reference: Mapping[str, Any]
    source: str | None
    plugin: PluginRecord | None

    def to_dict(self) -> dict[str, Any]:
        """Give the same as plain data for JSON; a function among the options becomes its name."""
        plain = asdict(replace(self, config={}))
        plain["config"] = {
            key: getattr(value, "__qualname__", repr(value)) if callable(value) else value
            for key, value in self.config.items()
        }
        return plain


@dataclass
class _Names:
    """All that discovery found."""

    file: RegistryFile
    plugins: list[Plugin]

    @property
    def architectures(self) -> dict[str, Architecture]:
        return {item.name: item for plugin in self.plugins for item in plugin.architectures}

    @property
    def datasets(self) -> dict[str, DatasetSpec]:
        return {item.name: item for plugin in self.plugins for item in plugin.datasets}


_lock = threading.RLock()
_names: _Names | None = None
_registered: dict[str, Plugin] = {}


def _load() -> _Names:
    global _names
    with _lock:
        if _names is None:
            file = read_registry_file(builtin_path())
            plugins = discovery.load_plugins(discovery.registry_file_candidates(file))
            plugins += discovery.load_plugins(discovery.entry_point_candidates(), plugins)
            for plugin in _registered.values():
                plugins.append(discovery.check_strict(discovery.refuse_duplicates(plugin, plugins)))
            _names = _Names(file, plugins)
            for plugin in plugins:
                if plugin.record.status == "failed":
                    record = plugin.record
                    warnings.warn(
                        f"plugin {record.name} ({record.origin}) was left out: {record.error} "
                        "(ZOO_STRICT=1 raises this; zoo plugins lists all)",
                        PluginLoadWarning,
                        stacklevel=3,
                    )
        return _names


def refresh() -> None:
    """Forget what discovery found; the next call looks again. What ``register`` was given stays."""
    global _names
    with _lock:
        _names = None


def list_models(pattern: str = "*", *, presets: bool = False) -> list[str]:
    """List architectures, or presets.

    Args:
        pattern: a wildcard such as ``res*``; one with a ``/`` in it, such as ``*/mnist``, lists presets.
        presets: list presets (``architecture/dataset[-variant]``).

    Returns:
        Sorted names.
    """
    names = _preset_names() if presets or "/" in pattern else sorted(_load().architectures)
    return [name for name in names if fnmatchcase(name, pattern)]


def list_datasets() -> list[str]:
    """List the datasets' names, sorted."""
    return sorted(_load().datasets)


def list_plugins() -> list[PluginRecord]:
    """List what became of every plugin, in the order of loading; broken ones carry their error."""
    return [plugin.record for plugin in _load().plugins]


def benchmark_presets() -> list[str]:
    """List the presets of the default benchmark, as the registry file says."""
    return list(_load().file.benchmark)


def get_model_info(name: str) -> ModelInfo:
    """Tell what an architecture or a preset is and where it comes from, without building it.

    Args:
        name: an architecture's or a preset's name.

    Returns:
        Its description; ``dataset``, ``image_shape`` and ``recipe`` are None for an architecture.

    Raises:
        UnknownNameError: no such name.
    """
    if not isinstance(name, str):
        raise TypeError(f"name is {name!r}: expected text")
    if "/" not in name:
        found = architecture(name)
        config = deepcopy(dict(found.defaults))
        return ModelInfo(name, found.summary, name, None, None, config, None, {}, found.source, found.plugin)
    entry = preset(name)
    found = entry.architecture
    return ModelInfo(
        name=name,
        summary=f"{found.summary}, for {entry.dataset.summary}",
        architecture=found.name,
        dataset=entry.dataset.name,
        image_shape=entry.dataset.image_shape,
        config=deepcopy(merge_options(found.defaults, entry.config)),
        recipe=entry.recipe.to_dict(),
        reference=entry.reference,
        source=found.source,
        plugin=found.plugin,
    )


def architecture(name: str) -> Architecture:
    """Give the architecture of that name; ``UnknownNameError`` if there is none."""
    return _find(name, _load().architectures, "architecture", "zoo list")


def dataset(name: str) -> DatasetSpec:
    """Give the description of the dataset of that name; ``UnknownNameError`` if there is none."""
    return _find(name, _load().datasets, "dataset", "zoo datasets")


def preset(name: str) -> Preset:
    """Give the preset of that name; ``UnknownNameError`` if there is none."""
    names = _load()
    left, _, right = name.partition("/")
    if name not in _preset_names():
        # The half that is wrong gives the better suggestion.
        architecture(left)
        _find(name, dict.fromkeys(_preset_names()), "preset", "zoo list --presets")
    base = right.partition("-")[0]
    recipe = names.file.datasets.get(base, {})
    return make_preset(name, architecture(left), dataset(base), recipe, names.file.presets)


def _preset_names() -> list[str]:
    names = _load()
    return preset_names(names.architectures, names.datasets, names.file.presets)


Found = TypeVar("Found")


def _find(name: str, known: Mapping[str, Found], what: str, command: str) -> Found:
    if not isinstance(name, str):
        raise TypeError(f"{what} name is {name!r}: expected text")
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    text = f"no {what} is called {name!r}"
    text += (
        f": did you mean {' or '.join(map(repr, near))}?" if near else f": there are {', '.join(sorted(known)[:12])}."
    )
    text += f" List all with: {command}"
    records = list_plugins()
    broken = [f"{record.name} ({record.error})" for record in records if record.status == "failed"]
    disabled = [record.name for record in records if record.status == "disabled"]
    if broken:
        text += f". It may be in a plugin that failed to load: {'; '.join(broken)}"
    if disabled:
        text += f". It may be in a plugin disabled by ZOO_DISABLE_PLUGINS: {', '.join(disabled)}"
    raise UnknownNameError(text)


@overload
def register(item: Architecture) -> Architecture: ...
@overload
def register(item: str, *, summary: str = ..., **fields: Any) -> Callable[[Class], Class]: ...


def register(item: Architecture | str, *, summary: str = "", **fields: Any) -> Any:
    """Register an architecture from a script or a notebook.

    Registering again from the same module and qualified name replaces, so a notebook cell can be run twice.

    Args:
        item: an ``Architecture``; or a name, and the result decorates a class that holds ``build_encoder`` and
            ``build_decoder``.
        summary: one line for tables; a class's docstring serves too.
        **fields: further fields of ``Architecture``, such as ``defaults``.

    Returns:
        The architecture; or a decorator that gives the class back as it was.

    Raises:
        DuplicateNameError: another plugin has the name.
        PluginLoadError: the architecture needs another version of the zoo.
        ValueError: a field of the architecture is not valid, or the class lacks a builder.

    Example:
        ```python
        @zoo.register("my_ae", defaults={"latent_dim": 8})
        class MyAutoEncoder:
            def build_encoder(image_shape, latent_shape): ...
            def build_decoder(latent_shape, output_shape): ...
        ```
    """
    if isinstance(item, Architecture):
        beside = [*(["summary"] if summary else []), *fields]
        if beside:
            raise TypeError(f"{', '.join(beside)} given beside an Architecture: set them in it")
        caller = sys._getframe(1).f_globals.get("__name__", "__main__")
        _register(item, f"{caller}.{item.name}", caller)
        return item
    if not isinstance(item, str):
        raise TypeError(f'register got {item!r}: expected a name, as in @zoo.register("my_ae"), or an Architecture')

    def decorate(cls: Class) -> Class:
        for builder in ("build_encoder", "build_decoder"):
            if not callable(getattr(cls, builder, None)):
                raise ValueError(f"class {cls.__qualname__} has no function {builder}: a registered class holds both")
        line = summary or next(iter((cls.__doc__ or "").strip().splitlines()), "")
        made = Architecture(item, line, cls.build_encoder, cls.build_decoder, **fields)  # type: ignore[attr-defined]
        _register(made, f"{cls.__module__}.{cls.__qualname__}", cls.__module__)
        return cls

    return decorate


def _register(item: Architecture, key: str, module: str) -> None:
    discovery.check_version(item)
    record = PluginRecord(name=key, origin=f"zoo.register in {module}", provides=(item.name,))
    plugin = Plugin(record, [discovery.bind(item, record)])
    with _lock:
        names = _load()
        # The same name and origin: what is replaced, also where a clash refused it.
        others = [other for other in names.plugins if (other.record.name, other.record.origin) != (key, record.origin)]
        checked = discovery.refuse_duplicates(plugin, others)
        if checked.cause is not None:
            raise checked.cause
        _registered[key] = plugin
        names.plugins[:] = [*others, plugin]
