"""The parts of ``run.json`` whose keys are open: settings and scores, checked as far as others rely on them."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from zoo.errors import RunError
from zoo.score import DESCRIPTIONS

LONGEST_TEXT = 10_000  # Characters.
MOST_ENTRIES, MOST_LATENTS = 10_000, 1_000_000
Check = Callable[[Any, str], None]


def check_number(value: Any, where: str) -> None:
    """Raise ``RunError`` unless this is a number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        _refuse(value, where, "a number")


def check_whole(value: Any, where: str) -> None:
    """Raise ``RunError`` unless this is a whole number of at least 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        _refuse(value, where, "a whole number of at least 0")


def check_count(value: Any, where: str) -> None:
    """Raise ``RunError`` unless this is a whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        _refuse(value, where, "a whole number of at least 1")


def check_counts(value: Any, where: str) -> None:
    """Raise ``RunError`` unless these are whole numbers of at least 1."""
    for number, item in enumerate(value):
        check_count(item, f"{where}[{number}]")


def check_text(value: Any, where: str) -> None:
    """Raise ``RunError`` unless this is text of bounded length."""
    if not isinstance(value, str):
        _refuse(value, where, "text")
    if len(value) > LONGEST_TEXT:
        raise RunError(f"{where} has {len(value):,} characters: expected at most {LONGEST_TEXT:,}")


def check_plain(value: Any, where: str) -> None:
    """Raise ``RunError`` unless this is plain data: numbers, texts, null, and mappings and lists of them."""
    waiting = [(value, where)]
    while waiting:
        item, place = waiting.pop()
        if isinstance(item, Mapping | list | tuple):
            if len(item) > MOST_ENTRIES:
                raise RunError(f"{place[:200]} has {len(item):,} entries: expected at most {MOST_ENTRIES:,}")
            pairs = item.items() if isinstance(item, Mapping) else enumerate(item)
            for key, inner in pairs:
                check_text(str(key), f"a name in {place[:200]}")
                waiting.append((inner, f"{place}.{key}"))
        elif isinstance(item, str):
            check_text(item, place[:200])
        elif not isinstance(item, int | float | None):
            _refuse(item, place[:200], "plain data")


def check_recipe(value: Mapping[str, Any], where: str) -> None:
    """Raise ``RunError`` unless a recipe has the settings that every recipe has, each of its type."""
    check_plain(value, where)
    _check_fields(value, where, _RECIPE)


def check_scores(value: Mapping[str, Any], where: str) -> None:
    """Raise ``RunError`` unless scores are as ``zoo.evaluate`` returns them."""
    latents, described = value.get("kl_per_latent"), value.get(DESCRIPTIONS)
    check_plain({key: item for key, item in value.items() if key != "kl_per_latent"}, where)
    _check_fields(value, where, _SCORES)
    if latents is not None:
        if not isinstance(latents, list | tuple) or not 0 < len(latents) <= MOST_LATENTS:
            _refuse(latents, f"{where}.kl_per_latent", f"a list of 1 to {MOST_LATENTS:,} numbers")
        for item in latents:
            check_number(item, f"an entry of {where}.kl_per_latent")
    if described is None:
        return
    if not isinstance(described, Mapping):
        _refuse(described, f"{where}.{DESCRIPTIONS}", "a mapping")
    for name, item in described.items():
        _mapping(_DESCRIPTION)(item, f"{where}.{DESCRIPTIONS}.{name}")
        _or_null(check_number)(value.get(name), f"{where}.{name}")


def _check_fields(value: Mapping[str, Any], where: str, checks: Mapping[str, Check]) -> None:
    for name, check in checks.items():
        if name not in value:
            raise RunError(f"{where}.{name} is missing")
        check(value[name], f"{where}.{name}")


def _mapping(checks: Mapping[str, Check]) -> Check:
    def check(value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            _refuse(value, where, "a mapping")
        _check_fields(value, where, checks)

    return check


def _or_null(check: Check) -> Check:
    return lambda value, where: None if value is None else check(value, where)


def _check_kl_weight(value: Any, where: str) -> None:
    if not isinstance(value, Mapping):
        check_number(value, where)


def _check_direction(value: Any, where: str) -> None:
    if not isinstance(value, bool | None):
        _refuse(value, where, "true, false or null")


def _refuse(value: Any, where: str, expected: str) -> NoReturn:
    raise RunError(f"{where} is {reprlib.repr(value)}: expected {expected}")


def _each(check: Check, names: Iterable[str]) -> dict[str, Check]:
    return dict.fromkeys(names, check)


_RECIPE = {
    **_each(check_text, ("likelihood", "binarization", "optimizer")),
    **_each(check_count, ("batch_size", "epochs")),
    "learning_rate": check_number,
    "kl_weight": _check_kl_weight,
}
_DESCRIPTION = {
    **_each(check_text, ("title", "unit", "definition")),
    "digits": check_whole,
    "lower_is_better": _check_direction,
}
_MEANS = ("negative_elbo", "reconstruction", "kl", "bits_per_dim", "cross_entropy", "mse", "psnr", "ssim")
_SCORES = {
    **_each(_or_null(check_number), _MEANS),
    "active_units": _or_null(check_whole),
    "parameters": check_whole,
    "iwae": _or_null(_mapping({"k": check_count, "nats": _or_null(check_number), "images": check_whole})),
    "data": _mapping({**_each(_or_null(check_text), ("dataset", "part", "sha256")), "images": check_whole}),
    **_each(check_text, ("likelihood", "binarization")),
    "seed": check_whole,
}
