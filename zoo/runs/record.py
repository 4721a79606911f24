"""What ``run.json`` holds, by type; ``run.schema.json`` says the same for others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from zoo.runs.json_fields import from_json, optional, to_json

Status = Literal["running", "finished", "interrupted", "failed"]
STATUSES: tuple[Status, ...] = get_args(Status)
SCHEMA: Literal[1] = 1


@dataclass(frozen=True)
class RunConfig:
    """What is trained, and how.

    Args:
        preset: its name.
        architecture: its architecture's name.
        dataset: its dataset's name.
        image_shape: ``(height, width, channels)``.
        options: the architecture's options, defaults included, as plain data.
        recipe: what ``Recipe.to_dict`` returns.
        seed: the seed.
    """

    preset: str
    architecture: str
    dataset: str
    image_shape: tuple[int, int, int]
    options: Mapping[str, Any]
    recipe: Mapping[str, Any]
    seed: int


@dataclass(frozen=True)
class Environment:
    """What a process trains with.

    Args:
        zoo: the zoo's version.
        python: Python's version.
        backend: Keras' backend.
        packages: the versions of the packages that compute.
        platform: the system.
        threads: that an operation may use.
    """

    zoo: str
    python: str
    backend: str
    packages: Mapping[str, str]
    platform: str
    threads: int


@dataclass(frozen=True)
class PluginOrigin:
    """The plugin that an architecture is from."""

    name: str
    distribution: str | None
    version: str | None


@dataclass(frozen=True)
class SplitFacts:
    """Which images a split has."""

    images: int
    sha256: str


@dataclass(frozen=True)
class Resumption:
    """One time that a run went on: after which epoch, of which run folder, when (UTC, ISO 8601) and with what."""

    after_epoch: int
    run: str
    started: str
    environment: Environment


@dataclass(frozen=True)
class Provenance(Environment):
    """What a run began with.

    Args:
        started: when it began; UTC, ISO 8601.
        plugin: the architecture's plugin; None if it has none.
        dataset: the images of each split.
        deterministic: whether it repeats to the bit.
        precision: what training steps compute in; None before the model is built.
        plugin_sources: the SHA-256 of the plugin's code; None where it has no file, and in runs from before.
        resumed: each time that it went on.
    """

    started: str
    plugin: PluginOrigin | None
    dataset: Mapping[str, SplitFacts]
    deterministic: bool
    precision: str | None = optional(None)
    plugin_sources: str | None = optional(None)
    resumed: tuple[Resumption, ...] = optional(())


@dataclass(frozen=True)
class BestEpoch:
    """The validation epoch whose weights ``model.keras`` holds; nats per image, final KL weight."""

    epoch: int
    loss: float
    negative_elbo: float


@dataclass(frozen=True)
class Cost:
    """What a training and its model cost; None where it is not measured, or not yet.

    Args:
        parameters: of encoder and decoder.
        epochs: that are done.
        train_seconds: of all epochs, validation and saving included, and of all parts of a resumed run.
        train_images_per_second: see ``Stopwatch.images_per_second``; of a resumed run's last part.
        flops: of encoder and decoder, as ``measure_cost`` returns them; the next three too.
        encode_ms: by number of images.
        decode_ms: by number of images.
        peak_memory_mb: of the process.
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
        schema: the number of its form.
        status: how far it is.
        error: why it did not finish.
        config: what is trained, and how.
        provenance: what it began with.
        best: the best epoch so far.
        scores: what ``zoo.evaluate`` returns for the test split; None for a run that did not finish.
        cost: what it cost.
    """

    schema: Literal[1]
    status: Status
    error: str | None
    config: RunConfig
    provenance: Provenance
    best: BestEpoch | None
    scores: Mapping[str, Any] | None
    cost: Cost

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return to_json(self)

    @classmethod
    def from_dict(cls, data: object) -> RunRecord:
        """Return the record that plain data hold; keys that it has no field for are passed over.

        Raises:
            RunError: a field is missing or of another type; the message names it.
        """
        return from_json(cls, data)


def begin(config: RunConfig, provenance: Provenance) -> RunRecord:
    """Return the record of a run that begins."""
    return RunRecord(SCHEMA, "running", None, config, provenance, best=None, scores=None, cost=Cost())
