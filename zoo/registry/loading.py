"""From candidates to plugins, one by one: a broken plugin is recorded and breaks nothing else."""

from __future__ import annotations

import copy
import itertools
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pluggy

from zoo.errors import DuplicateNameError, PluginLoadError, one_line
from zoo.registry import hookspecs
from zoo.registry.executor_specs import ExecutorSpec
from zoo.registry.import_timer import watch_import
from zoo.registry.isolation.calls import describe_changes, undisturbed
from zoo.registry.isolation.marker import marked
from zoo.registry.record import PluginRecord, canonical_name
from zoo.registry.references import locate
from zoo.registry.scoring_specs import LikelihoodSpec, Metric
from zoo.registry.specs import Architecture, DatasetSpec
from zoo.version import __version__

Spec = Architecture | DatasetSpec | LikelihoodSpec | Metric | ExecutorSpec
Bound = TypeVar("Bound", bound=Spec)
# The fields of what plugins provide that refer to functions and classes.
REFERENCES = ("encoder", "decoder", "autoencoder", "load", "likelihood", "function", "make")
MOST_ITEMS = 250_000
HOOKS: dict[str, type[Spec]] = {
    "zoo_architectures": Architecture,
    "zoo_datasets": DatasetSpec,
    "zoo_likelihoods": LikelihoodSpec,
    "zoo_metrics": Metric,
    "zoo_executors": ExecutorSpec,
}


@dataclass(frozen=True)
class Candidate:
    """A plugin before it is loaded."""

    record: PluginRecord
    load: Callable[[], object]


@dataclass
class Plugin:
    """A plugin after loading: its record and what it provides."""

    record: PluginRecord
    items: list[Spec] = field(default_factory=list)
    cause: BaseException | None = None


def load_plugins(
    candidates: Iterable[Candidate],
    taken: Iterable[Plugin] = (),
    loaded: Callable[[Plugin], object] | None = None,
) -> list[Plugin]:
    """Load plugins one by one; each is accepted completely or not at all.

    Args:
        candidates: in order of precedence: if two plugins share a name, the later one is refused.
        taken: plugins that are already loaded.
        loaded: called with each plugin that has been loaded.

    Returns:
        A plugin for every candidate, including failed and disabled ones.

    Raises:
        PluginLoadError: under ``ZOO_STRICT=1``, for the first plugin that fails.
        DuplicateNameError: under ``ZOO_STRICT=1``, for the first name that two plugins provide.
    """
    disabled = {name.strip() for name in os.environ.get("ZOO_DISABLE_PLUGINS", "").split(",")} - {""}
    disabled_distributions = {canonical_name(name) for name in disabled}
    plugins: list[Plugin] = []
    owners = find_owners(taken)
    for candidate in candidates:
        record = candidate.record
        if record.name in disabled or canonical_name(record.distribution) in disabled_distributions:
            plugin = Plugin(replace(record, status="disabled"))
        else:
            plugin = _load(candidate)
        if plugin.record.status not in ("failed", "disabled"):
            plugin = refuse_duplicates(plugin, owners)
        plugins.append(check_strict(plugin))
        owners |= find_owners([plugin])
        if loaded is not None:
            loaded(plugin)
    return plugins


def check_strict(plugin: Plugin) -> Plugin:
    """Return the plugin, or raise its error if it failed and ``ZOO_STRICT=1`` is set."""
    record = plugin.record
    if record.status == "failed" and os.environ.get("ZOO_STRICT") == "1":
        if isinstance(plugin.cause, DuplicateNameError):
            raise plugin.cause
        raise PluginLoadError(f"plugin {record.name} ({record.origin}): {record.error}") from plugin.cause
    return plugin


def find_owners(plugins: Iterable[Plugin]) -> dict[str, PluginRecord]:
    """Return the records of the plugins that provide names, by name."""
    records = (plugin.record for plugin in plugins if plugin.record.status != "failed")
    return {name: record for record in records for name in record.provides}


def refuse_duplicates(plugin: Plugin, owners: Mapping[str, PluginRecord]) -> Plugin:
    """Return the plugin, or a failed one if any of its names is already taken.

    Args:
        plugin: the plugin.
        owners: as ``find_owners`` returns them.
    """
    for name in plugin.record.provides:
        if name in owners:
            first, second = owners[name], plugin.record
            way_out = "rename one"
            if second.distribution:
                only = second.distribution if first.name == second.name else second.name
                way_out += f", or leave one out with ZOO_DISABLE_PLUGINS={only}"
            error = DuplicateNameError(
                f"the name {name!r} is provided by {first.name} ({first.origin}) and by {second.name} "
                f"({second.origin}): {way_out}"
            )
            return _failed(second, str(error), error)
    return plugin


def _failed(record: PluginRecord, error: str, cause: BaseException | None = None) -> Plugin:
    return Plugin(replace(record, status="failed", provides=(), error=error), cause=cause)


def _load(candidate: Candidate) -> Plugin:
    had_keras = "keras" in sys.modules
    record, changes = candidate.record, list[str]()
    try:
        # The innermost is the last: it puts back a recursion limit with which the others could not end.
        with marked(record), watch_import(record.name, record.origin) as watch, undisturbed(seeds=True) as changes:
            module = candidate.load()
            items = _call_hooks(module, record.name)
            file = getattr(module, "__file__", None)
            bound = [bind(item, record, file) for item in items]
            names = tuple(item.name for item in bound)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # Such as asyncio.CancelledError, or what tests raise to be skipped.
        return _failed(replace(record, note=describe_changes(changes)), describe_error(error), error)
    record = replace(record, note=describe_changes(changes))
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        return _failed(record, f"provides the name {repeated[0]!r} twice")
    slow = watch.heavy or (not had_keras and "keras" in sys.modules)
    folder = str(Path(file).parent) if isinstance(file, str) else None
    record = replace(record, status="slow" if slow else "ok", provides=names, folder=folder)
    for item in bound:
        object.__setattr__(item, "plugin", record)
    return Plugin(record, bound)


def bind(spec: Bound, record: PluginRecord, file: str | None = None) -> Bound:
    """Return a copy of a spec with its plugin set.

    Args:
        spec: what the plugin provides.
        record: the plugin's record.
        file: the plugin's file; the files that the spec refers to are relative to its folder.
    """
    folder = None if file is None else Path(file).parent
    bound = copy.copy(spec)
    for name in REFERENCES:
        if hasattr(spec, name):
            object.__setattr__(bound, name, locate(getattr(spec, name), folder))
    object.__setattr__(bound, "plugin", record)
    return bound


def _call_hooks(module: object, name: str) -> list[Spec]:
    # One manager per plugin: in a shared call, a hook that raises would stop all the others.
    manager = pluggy.PluginManager("zoo")
    manager.add_hookspecs(hookspecs)
    manager.register(module, name)
    unknown = [hook for hook in vars(manager.hook) if hook not in HOOKS]
    if unknown:
        raise PluginLoadError(f"unknown hook {unknown[0]}: zoo {__version__} has {', '.join(HOOKS)}")
    unmarked = [hook for hook in HOOKS if callable(getattr(module, hook, None)) and not _implements(manager, hook)]
    if unmarked:
        raise PluginLoadError(f"{unmarked[0]} is not marked with @zoo.hookimpl")
    if not any(_implements(manager, hook) for hook in HOOKS):
        raise PluginLoadError(f"implements no hook: expected one of {', '.join(HOOKS)}, marked with @zoo.hookimpl")
    items = [item for hook in HOOKS for item in _collect(manager, hook)]
    for item in items:
        if isinstance(item, Architecture):
            check_version(item)
    return items


def _implements(manager: pluggy.PluginManager, hook: str) -> bool:
    return bool(getattr(manager.hook, hook).get_hookimpls())


def _collect(manager: pluggy.PluginManager, hook: str) -> list[Spec]:
    expected = HOOKS[hook]
    if not _implements(manager, hook):
        return []
    # pluggy drops None, so an empty result means that the hook returned None.
    given = next(iter(getattr(manager.hook, hook)()), None)
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        raise PluginLoadError(f"{hook} returned {given!r}: expected an iterable of zoo.{expected.__name__}")
    items = list(itertools.islice(given, MOST_ITEMS + 1))
    if len(items) > MOST_ITEMS:
        raise PluginLoadError(f"{hook} returned more than {MOST_ITEMS:,} items: expected a finite number of them")
    for item in items:
        # A subclass could answer differently each time it is asked.
        if type(item) is not expected:
            raise PluginLoadError(f"{hook} returned {item!r}: expected zoo.{expected.__name__}")
    return items


def check_version(architecture: Architecture) -> None:
    """Raise ``PluginLoadError`` if the architecture needs another version of the zoo."""
    if architecture.requires_zoo is None:
        return
    from packaging.specifiers import SpecifierSet

    if not SpecifierSet(architecture.requires_zoo).contains(__version__, prereleases=True):
        raise PluginLoadError(
            f"architecture {architecture.name} needs autoencoder-zoo {architecture.requires_zoo}; this is {__version__}"
        )


def describe_error(error: BaseException) -> str:
    """Return a caught error as one line, with its location if it was raised outside the file that caught it."""
    message = one_line(error)
    if isinstance(error, PluginLoadError):
        return message
    text = f"{type(error).__name__}: {message}".rstrip(": ")
    if isinstance(error, SyntaxError):  # Its message includes the location.
        return text
    frames = traceback.extract_tb(error.__traceback__)
    outside = [it for it in frames if it.filename != frames[0].filename and "importlib" not in it.filename]
    where = outside[-1] if outside else None
    return f"{text} ({os.path.basename(where.filename)}, line {where.lineno})" if where else text
