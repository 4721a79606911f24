"""Looks up architectures, datasets and presets by name. Never imports Keras."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from zoo.errors import PluginLoadError, UnknownNameError
from zoo.registry.executor_specs import ExecutorSpec
from zoo.registry.finding import builtin_candidates, entry_point_candidates, named_candidate, user_candidates
from zoo.registry.isolation.marker import tell_of_crashes
from zoo.registry.loading import Plugin, check_strict, find_owners, load_plugins, refuse_duplicates
from zoo.registry.messages import explain_unknown, warn_of_changes, warn_of_failures, warn_of_idle_settings
from zoo.registry.presets import Preset, make_preset, preset_names
from zoo.registry.record import PluginRecord
from zoo.registry.references import resolve_reference
from zoo.registry.scoring_specs import OWN_LIKELIHOODS, LikelihoodSpec, Metric
from zoo.registry.specs import FOLDER, Architecture, DatasetSpec
from zoo.registry.yaml_file import RegistryFile, builtin_path, merge_files, read_registry_file, user_path

Found = TypeVar("Found")
Kind = TypeVar("Kind", Architecture, DatasetSpec, LikelihoodSpec, Metric, ExecutorSpec)
# Named, not imported: these packages are above this one.
_FOLDER_SPEC = "zoo.data.folder_spec:folder_spec"
_LIST_WEIGHTS = "zoo.weights.sources:list_names"


@dataclass
class _Names:
    """Everything that discovery found."""

    file: RegistryFile
    plugins: list[Plugin]
    found: dict[type, dict[str, Any]] = field(default_factory=dict)

    @property
    def architectures(self) -> dict[str, Architecture]:
        return self.find(Architecture)

    @property
    def datasets(self) -> dict[str, DatasetSpec]:
        return self.find(DatasetSpec)

    def find(self, kind: type[Kind]) -> dict[str, Kind]:
        """Return what plugins provide of a kind, by name."""
        if kind not in self.found:
            items = (item for plugin in self.plugins for item in plugin.items)
            self.found[kind] = {item.name: item for item in items if isinstance(item, kind)}
        return self.found[kind]

    @cached_property
    def presets(self) -> dict[str, None]:
        """The names of all presets, sorted."""
        return dict.fromkeys(preset_names(self.architectures, self.datasets, self.file.presets))


_lock = threading.RLock()
_names: _Names | None = None
_registered: dict[str, Plugin] = {}
_loading: list[Plugin] | None = None


def _load() -> _Names:
    global _names, _loading
    with _lock:
        if _names is None and _loading is not None:
            # A plugin that looks up names while it is being imported sees the plugins loaded before it.
            return _Names(RegistryFile(builtin_path()), _loading)
        if _names is None:
            file = read_registry_file(builtin_path())
            found = list(builtin_candidates(file))
            user = None if (path := user_path()) is None else read_registry_file(path)
            if user is not None:
                file = merge_files(file, user)
                found += user_candidates(user)
            _loading = []
            try:
                tell_of_crashes()
                load_plugins((*found, *entry_point_candidates()), loaded=_loading.append)
                owners = find_owners(_loading)
                for plugin in _registered.values():
                    _loading.append(check_strict(refuse_duplicates(plugin, owners)))
                    owners |= find_owners(_loading[-1:])
                _names = _Names(file, _loading)
            finally:
                _loading = None
            warn_of_failures(_names.plugins)
            warn_of_changes(_names.plugins)
            if user is not None:
                warn_of_idle_settings(user, _names.architectures, _names.datasets)
        return _names


def refresh() -> None:
    """Forget what discovery found, so that the next call searches again; registered items stay."""
    global _names
    with _lock:
        _names = None


def add_plugin(plugin: Plugin) -> None:
    """Add a plugin that discovery cannot find, replacing any with the same name and origin.

    Raises:
        DuplicateNameError: another plugin provides one of its names.
    """
    global _names
    key = (plugin.record.name, plugin.record.origin)
    with _lock:
        names = _load()
        # Leave out the one being replaced, even if a clash made it fail.
        others = [other for other in names.plugins if (other.record.name, other.record.origin) != key]
        checked = refuse_duplicates(plugin, find_owners(others))
        if checked.cause is not None:
            raise checked.cause
        _registered[plugin.record.name] = plugin
        if _names is not None:  # Otherwise a plugin registers it while it is imported, and it comes last.
            _names = _Names(names.file, [*others, plugin])


def load_plugin(entry: str) -> PluginRecord:
    """Load a plugin that discovery does not find, for this process only; one that it has found is left as it is.

    Args:
        entry: a Python file or a package's folder (it ends in ``.py``, contains a slash or begins with a dot), or an
            importable module.

    Returns:
        Its record; ``provides`` holds the names.

    Raises:
        PluginLoadError: it cannot be loaded; the message says why.
        DuplicateNameError: another plugin provides one of its names.
    """
    names = _load()
    (plugin,) = load_plugins([named_candidate(entry, Path.cwd(), "given by name")])
    if plugin.record.status in ("failed", "disabled"):
        reason = plugin.record.error or "disabled by ZOO_DISABLE_PLUGINS"
        raise PluginLoadError(f"plugin {entry}: {reason}") from plugin.cause
    known = [item for other in names.plugins for item in other.items]
    if not all(item in known for item in plugin.items):
        add_plugin(plugin)
    return plugin.record


def is_registered(name: str) -> bool:
    """Whether a name is known to this process only, through ``zoo.register`` or ``load_plugin``."""
    return any(name in plugin.record.provides for plugin in _registered.values())


def list_models(pattern: str = "*", *, presets: bool = False, weights: bool = False) -> list[str]:
    """List architectures, or presets.

    Args:
        pattern: a wildcard such as ``res*``; one that contains a ``/``, such as ``*/mnist``, lists presets.
        presets: list presets (``architecture/dataset[-variant]``).
        weights: list presets of which there are trained weights, those that have a tag as ``preset@tag``.

    Returns:
        Sorted names.
    """
    if not isinstance(pattern, str):
        raise TypeError(f"pattern is {pattern!r}: expected text such as 'res*'")
    if weights:
        names = list(resolve_reference(_LIST_WEIGHTS)())
    else:
        names = list(_load().presets) if presets or "/" in pattern else sorted(_load().architectures)
    return [name for name in names if fnmatchcase(name, pattern)]


def list_datasets() -> list[str]:
    """List the names of all datasets, sorted."""
    return sorted(_load().datasets)


def list_likelihoods() -> list[str]:
    """List the names of all likelihoods, sorted: the zoo's own and those of plugins."""
    return sorted((*OWN_LIKELIHOODS, *_load().find(LikelihoodSpec)))


def plugin_likelihoods() -> dict[str, LikelihoodSpec]:
    """Return the likelihoods that plugins provide, by name."""
    return _load().find(LikelihoodSpec)


def metrics() -> dict[str, Metric]:
    """Return the scores that plugins provide, by name."""
    return _load().find(Metric)


def executors() -> dict[str, ExecutorSpec]:
    """Return the executors that plugins provide, the zoo's own among them, by name."""
    return _load().find(ExecutorSpec)


def list_plugins() -> list[PluginRecord]:
    """List the record of every plugin, in loading order; broken ones carry their error."""
    return [plugin.record for plugin in _load().plugins]


def benchmark_presets() -> list[str]:
    """List the presets of the default benchmark, from the registry file."""
    return list(_load().file.benchmark)


def architecture(name: str) -> Architecture:
    """Return the architecture with that name; raise ``UnknownNameError`` if there is none."""
    return _find(name, _load().architectures, "architecture", "zoo list")


def dataset(name: str) -> DatasetSpec:
    """Return the description of the dataset with that name; raise ``UnknownNameError`` if there is none."""
    if isinstance(name, str) and name.startswith(FOLDER):
        spec: DatasetSpec = resolve_reference(_FOLDER_SPEC)(name)
        return spec
    return _find(name, _load().datasets, "dataset", "zoo datasets")


def preset(name: str) -> Preset:
    """Return the preset with that name; raise ``UnknownNameError`` if there is none."""
    names = _load()
    if not isinstance(name, str):
        raise UnknownNameError(f"the preset is {name!r:.100}: expected a name such as 'residual/mnist'")
    left, _, right = name.partition("/")
    if right.startswith(FOLDER):
        folder = dataset(right)
        architecture(left).check_takes(folder.image_shape)
        return make_preset(f"{left}/{folder.name}", architecture(left), folder, {}, names.file.presets)
    if name not in names.presets:
        # If one half is wrong, suggestions for that half are better.
        found, base = architecture(left), right.partition("-")[0]
        if base in names.datasets:
            found.check_takes(names.datasets[base].image_shape)
        _find(name, names.presets, "preset", "zoo list --presets")
    base = right.partition("-")[0]
    recipe = names.file.datasets.get(base, {})
    return make_preset(name, architecture(left), dataset(base), recipe, names.file.presets)


def _find(name: str, known: Mapping[str, Found], what: str, command: str) -> Found:
    if not isinstance(name, str):
        raise TypeError(f"{what} name is {name!r}: expected text")
    if name in known:
        return known[name]
    raise UnknownNameError(explain_unknown(name, what, known, command, list_plugins()))
