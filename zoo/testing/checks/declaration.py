"""Checks of what a plugin declares, before anything is built."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from zoo.registry.specs import LATENT_OPTIONS
from zoo.testing.fresh_process import run_fresh
from zoo.testing.rule import CheckFailure, CheckSkipped, check, require

if TYPE_CHECKING:
    from zoo.testing.subject import Subject


@check()
def check_summary_is_one_line(subject: Subject) -> None:
    """The summary is one line of text of at most 100 characters, as tables show it."""
    summary = subject.architecture.summary
    require(
        bool(summary.strip()) and summary == summary.strip() and "\n" not in summary and len(summary) <= 100,
        f"summary is {summary!r}: expected one line of 1 to 100 characters: describe the network in "
        "Architecture(summary=...)",
    )


@check()
def check_defaults_survive_json(subject: Subject) -> None:
    """The defaults survive a round trip through JSON, since runs and saved models store them that way."""
    defaults = {key: value for key, value in subject.architecture.defaults.items() if key != "latent_shape"}
    try:
        kept = json.loads(json.dumps(defaults, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise CheckFailure(
            f"defaults {defaults!r} cannot be stored as JSON ({error}): use numbers, text, booleans, and lists and "
            "dicts of these, and create other objects from them in the builder"
        ) from None
    changed = [key for key, value in defaults.items() if kept.get(key, kept) != _plain(value)]
    require(
        not changed and set(kept) == set(defaults),
        f"the defaults of {', '.join(changed) or 'some options'} come back changed from JSON: use lists instead of "
        "tuples or sets, and text as the keys of dicts",
    )


def _plain(value: object) -> object:
    """Return a default with tuples as lists, since a frozen description may hold lists as tuples."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


@check()
def check_latent_size_has_a_default(subject: Subject) -> None:
    """The defaults include a latent size, so that the architecture can be built without options."""
    require(
        any(option in subject.architecture.defaults for option in LATENT_OPTIONS),
        "the defaults have neither latent_dim nor latent_shape: set one, such as Architecture(defaults={'latent_dim': "
        "16})",
    )


@check()
def check_defaults_reach_a_builder(subject: Subject) -> None:
    """Every default except the latent size is an argument of a builder."""
    taken = _options(subject)
    idle = sorted(set(subject.architecture.defaults) - set(LATENT_OPTIONS) - taken)
    require(
        not idle,
        f"no builder takes {', '.join(idle)} from the defaults as an argument, so setting it has no effect: add it to "
        "build_encoder or build_decoder, or remove it from the defaults",
    )


def _options(subject: Subject) -> set[str]:
    from zoo.errors import ArchitectureError
    from zoo.factory.resolve import resolve

    try:
        return set(resolve(subject.architecture).options)
    except ArchitectureError as error:
        raise CheckSkipped(f"it cannot be tried: see {subject.reporter}") from error


@check()
def check_unknown_option_is_refused(subject: Subject) -> None:
    """An option that no builder takes is refused before anything is built, and the error lists the valid ones."""
    options = _options(subject)
    try:
        subject.build(no_such_option=1)
    except TypeError as error:
        missing = sorted(option for option in options if option not in str(error))
        require(
            "no_such_option" in str(error) and not missing,
            f"the message {str(error)!r} does not name {', '.join(missing) or 'the option'}: let zoo.create_model "
            "refuse unknown options instead of raising a TypeError of your own",
        )
    except Exception as error:
        raise CheckSkipped(f"it cannot be tried: see {subject.reporter}") from error
    else:
        raise CheckFailure("no_such_option=1 was accepted: a builder with **kwargs must not swallow unknown options")


@check()
def check_listing_imports_no_keras(subject: Subject) -> None:
    """The module that contains the hook imports neither Keras nor its backends, so that listing stays instant."""
    from zoo.registry import catalogue

    if catalogue.is_registered(subject.name) and subject.plugin is None:
        raise CheckSkipped("it is registered by a script, which may import Keras first")
    found = run_fresh("listing", plugin=subject.plugin, arguments=[subject.name])
    subject.import_seconds = found["seconds"]
    in_file = subject.plugin is not None and subject.plugin.endswith(".py")
    mend = (
        "import Keras inside the builders, or move them, with your own layers, to a second file beside it"
        if in_file
        else "do that in the module that contains the builders"
    )
    example = '"my_networks.py:build_encoder"' if in_file else '"my_package.model:build_encoder"'
    what = f"imports {', '.join(found['heavy'])}" if found["heavy"] else "takes over a second"
    require(
        not found["slow"],
        f"loading the plugin {what}: {mend}, such as encoder={example}",
    )
