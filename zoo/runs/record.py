"""The content of ``run.json`` as dataclasses; ``run.schema.json`` describes the same for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from zoo.json_checks import check_count, check_counts, check_plain, check_recipe, check_scores, check_whole
from zoo.json_fields import from_json, optional, to_json

Status = Literal["running", "finished", "interrupted", "failed"]
STATUSES: tuple[Status, ...] = get_args(Status)
SCHEMA: Literal[1] = 1


@dataclass(frozen=True)
class RunConfig:
    """What is trained, and how.

    Args:
        preset: the preset's name.
        architecture: the architecture's name.
        dataset: the dataset's name.
        image_shape: ``(height, width, channels)``.
        options: the architecture's options, defaults included, as plain data.
        recipe: the recipe, as ``Recipe.to_dict`` returns it.
        seed: the seed.
        data: the fingerprint of images that were passed in memory; None for a dataset known by its name.
        start: the SHA-256 of the model that training started from; None for new weights.
    """

    preset: str
    architecture: str
    dataset: str
    image_shape: Annotated[tuple[int, int, int], check_counts]
    options: Annotated[Mapping[str, Any], check_plain]
    recipe: Annotated[Mapping[str, Any], check_recipe]
    seed: Annotated[int, check_whole]
    data: str | None = optional(None)
    start: str | None = optional(None)


@dataclass(frozen=True)
class Environment:
    """The environment of a training process.

    Args:
        zoo: the zoo's version.
        python: Python's version.
        backend: Keras' backend.
        packages: versions of the packages used for computation.
        platform: the operating system.
        threads: number of threads that an operation may use.
    """

    zoo: str
    python: str
    backend: str
    packages: Mapping[str, str]
    platform: str
    threads: int


@dataclass(frozen=True)
class PluginOrigin:
    """The plugin that provides an architecture."""

    name: str
    distribution: str | None
    version: str | None


@dataclass(frozen=True)
class SplitFacts:
    """The number of images in a split and their SHA-256."""

    images: int
    sha256: str


@dataclass(frozen=True)
class StartingPoint:
    """The model file that training started from, and its SHA-256."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Resumption:
    """A resumption of a run: after which epoch, from which run folder, when (UTC, ISO 8601) and with what."""

    after_epoch: int
    run: str
    started: str
    environment: Environment


@dataclass(frozen=True)
class Provenance(Environment):
    """The state of everything a run depends on, when it began.

    Args:
        started: when it began; UTC, ISO 8601.
        plugin: the architecture's plugin; None if it has none.
        dataset: the images of each split.
        deterministic: whether the run is reproducible to the bit.
        precision: the precision of training steps; None before the model is built.
        plugin_sources: the SHA-256 of the plugin's code; None if it has no file, and in runs of older versions.
        resumed: each time that the run was resumed.
        start: the model that it started from; None for new weights.
    """

    started: str
    plugin: PluginOrigin | None
    dataset: Mapping[str, SplitFacts]
    deterministic: bool
    precision: str | None = optional(None)
    plugin_sources: str | None = optional(None)
    resumed: tuple[Resumption, ...] = optional(())
    start: StartingPoint | None = optional(None)  # noqa: RUF009


@dataclass(frozen=True)
class BestEpoch:
    """The validation epoch whose weights ``model.keras`` holds; nats per image, final KL weight."""

    epoch: Annotated[int, check_count]
    loss: float
    negative_elbo: float


@dataclass(frozen=True)
class Cost:
    """The cost of training and of the model; None if not measured, or not yet.

    Args:
        parameters: number of parameters of encoder and decoder.
        epochs: number of completed epochs.
        train_seconds: time of all epochs, validation and saving included, over all parts of a resumed run.
        train_images_per_second: see ``Stopwatch.images_per_second``; for a resumed run, of its last part.
        flops: operations of encoder and decoder, as returned by ``measure_cost``, like the next three.
        encode_ms: time by number of images.
        decode_ms: time by number of images.
        peak_memory_mb: peak memory of the process.
    """

    parameters: int | None = None
    epochs: int | None = None
    train_seconds: float | None = None
    train_images_per_second: float | None = None
    flops: Mapping[str, int | None] | None = None
    encode_ms: Mapping[str, float | None] | None = None
    decode_ms: Mapping[str, float | None] | None = None
    peak_memory_mb: float | None = None


@dataclass(frozen=True)
class RunRecord:
    """The content of ``run.json``.

    Args:
        schema: version of the format.
        status: the status of the run.
        error: why it did not finish.
        config: what is trained, and how.
        provenance: what it began with.
        best: the best epoch so far.
        scores: the result of ``zoo.evaluate`` on the test split; None for a run that did not finish.
        cost: the cost of the run.
    """

    schema: Literal[1]
    status: Status
    error: str | None
    config: RunConfig
    provenance: Provenance
    best: BestEpoch | None
    scores: Annotated[Mapping[str, Any], check_scores] | None
    cost: Cost

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data for JSON."""
        return to_json(self)

    @classmethod
    def from_dict(cls, data: object) -> RunRecord:
        """Return the record that plain data holds; keys without a field are ignored.

        Raises:
            RunError: a field is missing or has the wrong type; the message names it.
        """
        return from_json(cls, data)


def begin(config: RunConfig, provenance: Provenance) -> RunRecord:
    """Return the record of a new run."""
    return RunRecord(SCHEMA, "running", None, config, provenance, best=None, scores=None, cost=Cost())
