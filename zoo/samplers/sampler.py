"""What all samplers have in common."""

from __future__ import annotations

import abc
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt

from zoo.autoencoder.model import AutoEncoder
from zoo.files import replacing, write_json
from zoo.json_checks import check_count, check_counts, check_plain, check_whole
from zoo.json_fields import to_json
from zoo.samplers.draws import PosteriorDraws
from zoo.weights.arrays import write_arrays

Array = npt.NDArray[np.float64]
Arrays = dict[str, np.ndarray]
FORMAT: Literal[1] = 1
FACTS_FILE, ARRAYS_FILE = "sampler.json", "sampler.safetensors"
DIGEST = "arrays_sha256"


@dataclass(frozen=True)
class Facts:
    """What a sampler is, and what it was fitted to: all of ``sampler.json`` but the arrays' SHA-256.

    Args:
        format: the version of the format.
        sampler: the name of its kind.
        options: its options.
        preset: the name of the model's preset; None if it has none.
        weights: the SHA-256 of the model's weights and settings.
        latent_shape: the shape of z.
        dataset: that of the images; None for a bare array.
        part: which split of it.
        images: their number.
        seed: the seed of the fit.
        zoo: the version of the zoo.
    """

    format: Literal[1]
    sampler: str
    options: Annotated[Mapping[str, Any], check_plain]
    preset: str | None
    weights: str
    latent_shape: Annotated[tuple[int, ...], check_counts]
    dataset: str | None
    part: str | None
    images: Annotated[int, check_count]
    seed: Annotated[int, check_whole]
    zoo: str


@dataclass(frozen=True)
class Settings:
    """How to fit.

    Args:
        number: what follows the name and a colon, as in ``gaussian_mixture:10``; None if nothing does.
        epochs: of training a network; None for the sampler's own default.
        seed: of all draws.
        progress: show progress on stderr.
    """

    number: int | None
    epochs: int | None
    seed: int
    progress: bool


class Sampler(abc.ABC):
    """A distribution of latents, fitted to a model: ``zoo.samplers.fit`` and ``zoo.samplers.load`` return one.

    All of it is arrays, and draws are NumPy's: equal seeds give equal latents on every backend.

    Attributes:
        name: the name of its kind.
        model: the model that decodes its latents.
        facts: what it was fitted to.
    """

    name: ClassVar[str]
    trains: ClassVar[bool] = False
    takes_number: ClassVar[bool] = False
    of_codes: ClassVar[bool] = False

    def __init__(self, model: AutoEncoder, facts: Facts) -> None:
        self.model, self.facts = model, facts

    def __repr__(self) -> str:
        shown = [f"{key}={value}" for key, value in self.facts.options.items()]
        where = f"{self.facts.images:,} images" + (f" of {self.facts.dataset}" if self.facts.dataset else "")
        return f"Sampler({', '.join([self.name, *shown])}, fitted to {where})"

    @property
    def title(self) -> str:
        """What ``zoo.samplers.fit`` fits it by."""
        return self.name

    def sample(self, n: int, seed: int | None = None) -> npt.NDArray[np.float32]:
        """Draw latents and return their mean images.

        Args:
            n: the number of images.
            seed: makes the draw reproducible.

        Returns:
            ``(n, height, width, channels)``, float32 in [0, 1].

        Raises:
            ValueError: ``n`` is not a whole number of at least 1, or that many images do not fit into memory.
        """
        return np.asarray(self.model.decode(self.sample_latents(n, seed)), np.float32)

    def sample_latents(self, n: int, seed: int | None = None) -> npt.NDArray[np.float32]:
        """Draw latents.

        Args:
            n: their number.
            seed: makes the draw reproducible.

        Returns:
            z, ``(n, *latent_shape)``, float32, as ``model.decode`` takes it.

        Raises:
            ValueError: as in ``sample``, or the latents are not finite.
        """
        number = self.model.check_number(n)
        with np.errstate(over="ignore", invalid="ignore"):
            drawn = np.asarray(self.draw(number, np.random.default_rng(seed)), np.float32)
        if not np.isfinite(drawn).all():
            raise ValueError(f"the sampler {self.name} draws latents that are not finite: fit it again")
        return drawn.reshape(-1, *self.model.latent_shape)

    def save(self, folder: str | Path) -> None:
        """Write the sampler to a folder, which is made if it is missing: ``sampler.json`` and ``sampler.safetensors``.

        The model is not in it: ``zoo.samplers.load(folder, model)`` needs the same one.
        """
        path, content = Path(folder), write_arrays(self.arrays)
        path.mkdir(parents=True, exist_ok=True)
        with replacing(path / ARRAYS_FILE) as temporary:
            temporary.write_bytes(content)
        write_json(path / FACTS_FILE, {**to_json(self.facts), DIGEST: hashlib.sha256(content).hexdigest()})

    @abc.abstractmethod
    def draw(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Return ``n`` latents, of any shape that is as large as ``(n, *latent_shape)``."""

    @property
    @abc.abstractmethod
    def arrays(self) -> Arrays:
        """All that was learned, by name."""

    @classmethod
    @abc.abstractmethod
    def learn(cls, model: AutoEncoder, draws: PosteriorDraws, settings: Settings) -> tuple[Mapping[str, Any], Arrays]:
        """Return options and arrays, fitted to the posteriors of images."""

    @classmethod
    @abc.abstractmethod
    def restore(cls, model: AutoEncoder, facts: Facts, arrays: Arrays) -> Self:
        """Return the sampler that options and arrays are.

        Raises:
            ValueError: they are not those of such a sampler; the message says which.
        """


class TrainedSampler(Sampler):
    """A sampler that is trained, and is all arrays of real numbers then.

    Args:
        model: the model.
        facts: what it was fitted to.
        arrays: what was learned.
    """

    trains = True

    def __init__(self, model: AutoEncoder, facts: Facts, arrays: dict[str, Array]) -> None:
        super().__init__(model, facts)
        self._arrays = arrays

    @property
    def arrays(self) -> Arrays:
        """What was learned."""
        return {**self._arrays}


def check_arrays(arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Return arrays as float64, or raise ``ValueError`` unless they have these names and shapes and are real."""
    if arrays.keys() != shapes.keys():
        other = sorted(arrays.keys() ^ shapes.keys())[0][:100]
        raise ValueError(f"the array {other!r} is {'unknown' if other in arrays else 'missing'}")
    for name, shape in shapes.items():
        found = arrays[name]
        if found.shape != shape or found.dtype.kind != "f":
            raise ValueError(f"{name!r} has the shape {found.shape} and type {found.dtype}: expected real, {shape}")
    return {name: np.asarray(array, np.float64) for name, array in arrays.items()}


def option(facts: Facts, name: str, most: int) -> int:
    """Return an option that is a whole number from 1 to ``most``, or raise ``ValueError``."""
    value = facts.options.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"options.{name} is {value!r}: expected a whole number from 1 to {most:,}")
    return value
