"""The card of trained weights, ``README.md``: made from the other files of the folder, and from nothing else."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from zoo.compression.measured import describe_compressed
from zoo.publishing.seeds import summarise_seeds
from zoo.runs.history import History
from zoo.score import Score, described_scores
from zoo.score_names import SCORES, main_score
from zoo.shown import show
from zoo.weights.config import DEFAULT, WeightsConfig

_MARKS = re.compile(r"([\\`*\[\]|#~$!])")
_CODE = str.maketrans("`|<>", "'/()")  # A span of code has no escapes.
_TITLES = {"reconstructions.png": "test images above their reconstructions", "samples.png": "samples from the prior"}


def escape(text: object) -> str:
    """Return text that Markdown shows as it is: no HTML, no links and no second line."""
    return _MARKS.sub(r"\\\1", html.escape(show(" ".join(str(text).split()), most=500), quote=False))


def make_card(config: WeightsConfig, scores: Mapping[str, Any], history: History, pictures: Iterable[str]) -> str:
    """Return the card.

    Args:
        config: what the weights are of.
        scores: their scores on the test split.
        history: the epochs of the run.
        pictures: the names of the folder's pictures.
    """
    parts = [
        f"---\n{_metadata(config, scores)}---\n\n# {escape(config.name)}",
        _introduction(config),
        _usage(config),
        f"## Scores\n\n{_score_table(config, scores)}",
        describe_compressed(scores),
        _seeds(config, scores),
        _rounding(config),
        _pictures(pictures),
        _data(config, scores),
        _recipe(config, history),
        _limits(config),
        _end(config),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _known(scores: Mapping[str, Any]) -> list[tuple[Score, Any]]:
    found = [(score, score.read(scores)) for score in (*SCORES, *described_scores(scores)) if score.path[0] != "cost"]
    return [(score, value) for score, value in found if isinstance(value, int | float)]


def _metadata(config: WeightsConfig, scores: Mapping[str, Any]) -> str:
    """Return the hub's metadata: what its search and its leaderboards read."""
    main, summary = main_score([scores]), summarise_seeds(config)
    metrics = []
    for score, value in _known(scores):
        metric: dict[str, Any] = {"type": score.key, "name": f"{score.title} {score.unit}".strip(), "value": value}
        if score == main and summary.high is not None:
            metric["args"] = {"seeds": summary.n, "mean": summary.mean, "low": summary.low, "high": summary.high}
        metrics.append(metric)
    data = scores["data"]
    result = {
        "task": {"type": "image-to-image", "name": "image reconstruction"},
        "dataset": {
            "type": config.dataset, "name": config.dataset, "split": data["part"], "revision": data["sha256"],
        },
        "metrics": metrics,
    }  # fmt: skip
    metadata = {
        **({"license": config.licence.lower()} if config.licence else {}),
        "library_name": "autoencoder-zoo",
        "tags": ["autoencoder-zoo", "variational-autoencoder", "keras"],
        "datasets": [config.dataset],
        "model-index": [{"name": config.name, "results": [result]}],
    }
    return str(yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True))


def _introduction(config: WeightsConfig) -> str:
    what = ". ".join(escape(it).rstrip(".") for it in config.summary)
    plugin = config.plugin
    whose = f" from {escape(plugin.distribution)} {escape(plugin.version)}" if plugin and plugin.distribution else ""
    paper = f" Source of the architecture: {escape(config.source)}." if config.source else ""
    return (
        f"A trained autoencoder: `{_code(config.architecture)}`{whose}, {config.parameters:,} parameters, images of "
        f"{_size(config.image_shape)} to a latent of {_size(config.latent_shape)}. {what}.{paper}"
    )


def _usage(config: WeightsConfig) -> str:
    preset, tag = _code(config.preset), _code(config.tag)
    name = _code(config.name)
    return (
        "```python\nimport zoo\n\n"
        f'model = zoo.create_model("{preset}", weights="{tag}")\n'
        "```\n\n"
        'A folder is taken too, `weights="./FOLDER"`, and the hub, `weights="hf://user/repo@revision"`. '
        f"`zoo evaluate {name}` scores it, and `zoo verify {name}` compares with the scores below."
    )


def _score_table(config: WeightsConfig, scores: Mapping[str, Any]) -> str:
    lines = ["| score | value | unit | better |", "| --- | --: | --- | --- |"]
    for score, value in _known(scores):
        lines.append(f"| {escape(score.title)} | {score.show(value)} | {escape(score.unit)} | {score.direction} |")
    data, k = scores["data"], (scores.get("iwae") or {}).get("k")
    bound = f" The importance-weighted bound has k = {k:,}." if k else ""
    return "\n".join(lines) + (
        f"\n\nOn {data['images']:,} images of the {escape(data['part'])} split of `{_code(config.dataset)}`, "
        f"likelihood `{_code(config.likelihood)}`, binarization `{_code(scores['binarization'])}`, "
        f"seed {scores['seed']} of the draws.{bound}"
    )


def _seeds(config: WeightsConfig, scores: Mapping[str, Any]) -> str:
    score, summary = main_score([scores]), summarise_seeds(config)
    listed = ", ".join(f"{it.seed}: {score.show(it.score)}" for it in config.seeds)
    if summary.half is None:
        return f"Trained with one seed, {config.seed}: another seed would score otherwise, nobody knows by how much."
    return (
        f"Over {summary.n} seeds, {escape(score.title)} is {score.show(summary.mean)} ± {score.show(summary.half)} "
        f"{escape(score.unit)} (mean ± half the 95 % interval, Student's t; {listed}). The weights are those of seed "
        f"{config.seed}."
    )


def _rounding(config: WeightsConfig) -> str:
    rounding = config.rounding
    if rounding is None:
        return f"Weights are stored as {config.dtype}."
    change = f"{rounding.after - rounding.before:+.4f}"
    numbers = f"{rounding.before:,.4f} with the trained weights, {rounding.after:,.4f} with the rounded ones ({change})"
    if rounding.kept:
        return f"Weights are stored as float16, which costs nothing: `{_code(rounding.score)}` is {numbers}."
    return f"Weights are stored as float32; rounding to float16 costs too much: `{_code(rounding.score)}` is {numbers}."


def _pictures(pictures: Iterable[str]) -> str:
    return "\n\n".join(f"![{_TITLES[name]}]({name})\n\n{_TITLES[name].capitalize()}." for name in pictures)


def _data(config: WeightsConfig, scores: Mapping[str, Any]) -> str:
    lines = ["| split | images | SHA-256 |", "| --- | --: | --- |"]
    provenance = config.run.get("provenance") or {}
    for part, facts in (provenance.get("dataset") or {}).items():
        lines.append(f"| {escape(part)} | {facts['images']:,} | `{_code(facts['sha256'])}` |")
    return "## Data\n\nTrained on the first split, chosen on the second, scored once on the third.\n\n" + "\n".join(
        lines
    )


def _recipe(config: WeightsConfig, history: History) -> str:
    best = config.run.get("best") or {}
    lines = ["| setting | value |", "| --- | --- |"]
    for key, value in (*config.options.items(), *config.recipe.items(), ("seed", config.seed)):
        if value is not None:
            lines.append(f"| `{_code(key)}` | `{_code(value)}` |")
    epoch = f"The weights are those of epoch {escape(best.get('epoch'))} of {len(history)}, the best on validation."
    return "## Recipe\n\n" + "\n".join(lines) + f"\n\n{epoch}"


def _limits(config: WeightsConfig) -> str:
    return (
        "## Limits\n\n"
        f"For images of {_size(config.image_shape)} like those of `{_code(config.dataset)}`: other images are "
        "reconstructed badly, and another size or number of channels is refused. Samples from the prior are not "
        "checked for resemblance to single training images."
    )


def _end(config: WeightsConfig) -> str:
    licence = f"The weights are licensed under {escape(config.licence)}." if config.licence else "None is stated."
    tag = "" if config.tag == DEFAULT else f", weights {escape(config.tag)}"
    return (
        f"## Licence\n\n{licence}\n\n## Citing\n\n"
        f"Name the zoo and its version, {escape(config.zoo)}, the preset, {escape(config.preset)}{tag}, and the first "
        "twelve digits of the SHA-256 of `model.safetensors` in `SHA256SUMS`."
    )


def _size(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape))


def _code(text: object) -> str:
    """Return text for a code span, which nothing but a backtick can leave."""
    return show(" ".join(str(text).split()), most=200).translate(_CODE)
