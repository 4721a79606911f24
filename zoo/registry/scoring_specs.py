"""Frozen descriptions of the likelihoods and the scores that plugins provide, without Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.registry.fields import check_name, check_reference, check_text
from zoo.registry.references import is_imported
from zoo.score import MOST_DIGITS, describe_score
from zoo.score_names import TAKEN_NAMES

if TYPE_CHECKING:
    from zoo.registry.record import PluginRecord

SUBJECTS = ("reconstructions", "model")
# Those of zoo.likelihoods, which need Keras; a test compares the two.
OWN_LIKELIHOODS = {
    "bernoulli": "A coin toss for each value, for images of 0 and 1",
    "discretized_gaussian": "A normal density of each value, summed over the 256 grey levels",
    "discretized_logistic": "A logistic density of each value, summed over the 256 grey levels",
    "gaussian": "A normal density of each value",
    "logistic_mixture": "A mixture of 10 logistic densities over grey levels, channels conditioned on each other",
}


@dataclass(frozen=True)
class LikelihoodSpec:
    """A named likelihood p(x|z), for recipes, commands and saved models.

    Args:
        name: matches ``^[a-z][a-z0-9_]*$``; not the name of one of the zoo's own.
        summary: one line for tables.
        likelihood: a subclass of ``zoo.likelihoods.Likelihood``, or a function that returns a likelihood, called
            without arguments; or ``"module:Class"``. Register the class with
            ``keras.saving.register_keras_serializable``, so that models can be loaded.

    Raises:
        ValueError: a field is not as described above.
    """

    name: str
    summary: str
    likelihood: str | Callable[[], Any]
    plugin: PluginRecord | None = field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check every field."""
        object.__setattr__(self, "name", check_name(self.name, "likelihood"))
        if self.name in OWN_LIKELIHOODS:
            raise ValueError(f"likelihood name {self.name!r} is one of the zoo's own: expected another name")
        object.__setattr__(self, "summary", check_text(self.summary, f"likelihood {self.name}: summary"))
        check_reference(self.likelihood, f"likelihood {self.name}: likelihood")

    @property
    def is_imported(self) -> bool:
        """Whether its module has been imported."""
        return is_imported(self.likelihood)


@dataclass(frozen=True)
class Metric:
    """A score of a plugin's own, which becomes part of every result of ``zoo.evaluate``.

    Args:
        name: its key in results, matches ``^[a-z][a-z0-9_]*$``; not that of one of the zoo's own scores.
        title: its name in tables and charts.
        function: ``function(images, reconstructions)``, which returns one number for each image, ``(n,)``; or, with
            ``of="model"``, ``function(model, images)``, which returns one number; or ``"module:function"``. Images and
            reconstructions are ``(n, H, W, C)``, float32 in [0, 1], as NumPy arrays; those of a model of binary images
            are binarised. Of many images the first is given some after the other, the second all.
        unit: the unit shown; empty if there is none.
        digits: the number of decimals shown, 0 to 12.
        lower_is_better: None if neither direction is better.
        definition: what it is, in one line.
        of: ``reconstructions`` or ``model``.

    Raises:
        ValueError: a field is not as described above.
    """

    name: str
    title: str
    function: str | Callable[..., Any]
    unit: str = ""
    digits: int = 3
    lower_is_better: bool | None = None
    definition: str = ""
    of: str = "reconstructions"
    plugin: PluginRecord | None = field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check every field."""
        object.__setattr__(self, "name", check_name(self.name, "metric"))
        what = f"metric {self.name}"
        if self.name in TAKEN_NAMES:
            raise ValueError(
                f"metric name {self.name!r} is already used in results and leaderboards: expected another name"
            )
        for name in ("title", "unit", "definition"):
            object.__setattr__(self, name, check_text(getattr(self, name), f"{what}: {name}"))
        if not self.title.strip():
            raise ValueError(f"{what}: title is {self.title!r}: expected its name in tables")
        check_reference(self.function, f"{what}: function")
        if type(self.digits) is not int or not 0 <= self.digits <= MOST_DIGITS:
            raise ValueError(f"{what}: digits is {self.digits!r}: expected a whole number from 0 to {MOST_DIGITS}")
        if self.lower_is_better not in (True, False, None):
            raise ValueError(f"{what}: lower_is_better is {self.lower_is_better!r}: expected True, False or None")
        if self.of not in SUBJECTS:
            raise ValueError(f"{what}: of is {self.of!r}: expected one of {', '.join(SUBJECTS)}")

    def describe(self) -> dict[str, Any]:
        """Return what tables need to show it, as plain data that results hold."""
        return describe_score(self)
