"""The command ``zoo``: parse, call, print. Results go to stdout, progress and messages to stderr."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import zoo
from zoo.errors import PluginLoadWarning, UnknownNameError, ZooError

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
out_option = click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True,
    help="Where run folders go.",
)  # fmt: skip
data_option = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Folder with the official files (default: $ZOO_DATA)."
)


class _Group(click.Group):
    """Turns errors into one sentence and an exit status: 2 for wrong usage or an unknown name, 1 for a failure."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"zoo: {error or 'interrupted'}", err=True)
            ctx.exit(130)
        except (ZooError, TypeError, ValueError, OSError) as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"zoo: {error}", err=True)
            ctx.exit(2 if isinstance(error, UnknownNameError | TypeError | ValueError) else 1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(zoo.__version__, prog_name="autoencoder-zoo")
def main(debug: bool) -> None:
    """A model zoo of variational autoencoders for image reconstruction."""
    warnings.showwarning = _show_warning
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("zoo: %(message)s"))
    logger = logging.getLogger("zoo")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)


@main.command("list")
@click.argument("pattern", default="*")
@click.option("--presets", is_flag=True, help="List presets (architecture/dataset).")
@as_json
def list_(pattern: str, presets: bool, as_json: bool) -> None:
    """List architectures, or presets, that match PATTERN."""
    from zoo.terminal import print_table

    infos = [zoo.get_model_info(name) for name in zoo.list_models(pattern, presets=presets)]
    if as_json:
        _print_json([{"name": info.name, "summary": info.summary} for info in infos])
    elif not infos:
        click.echo(f"nothing matches {pattern!r}", err=True)
    else:
        print_table(["name", "summary"], [[info.name, info.summary] for info in infos])


@main.command()
@click.argument("name")
@as_json
def show(name: str, as_json: bool) -> None:
    """Show what an architecture or a preset is and where it comes from."""
    from zoo.terminal import print_table

    info = zoo.get_model_info(name)
    if as_json:
        _print_json(info.to_dict())
        return
    plain = info.to_dict()
    plugin = plain.pop("plugin") or {}
    rows = []
    for key, value in (plain | {"plugin": plugin.get("name"), "origin": plugin.get("origin")}).items():
        if isinstance(value, dict):
            rows += [[f"{key}: {inner}", _text(item)] for inner, item in value.items()]
        elif value is not None:
            rows.append([key, _text(value)])
    print_table(["", ""], rows)


@main.command()
@as_json
def plugins(as_json: bool) -> None:
    """List every plugin and what became of it."""
    from dataclasses import asdict

    from zoo.terminal import print_table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginLoadWarning)
        records = zoo.list_plugins()
    if as_json:
        _print_json([asdict(record) for record in records])
        return
    rows = [[it.name, it.status, ", ".join(it.provides), it.origin, it.error or ""] for it in records]
    failed = any(record.error for record in records)
    header = ["plugin", "status", "provides", "origin", "error"]
    print_table(*((header, rows) if failed else (header[:-1], [row[:-1] for row in rows])))


@main.command()
@as_json
def datasets(as_json: bool) -> None:
    """List the datasets."""
    from zoo.registry import dataset
    from zoo.terminal import print_table

    specs = [dataset(name) for name in zoo.list_datasets()]
    if as_json:
        _print_json(
            [
                {"name": it.name, "summary": it.summary, "image_shape": it.image_shape, "classes": it.classes}
                for it in specs
            ]
        )
    else:
        shapes = [" x ".join(map(str, it.image_shape)) for it in specs]
        print_table(
            ["name", "image", "summary"], [[it.name, s, it.summary] for it, s in zip(specs, shapes, strict=True)]
        )


def _settings(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    settings = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{value!r}: expected KEY=VALUE")
        settings[key] = _parse(text)
    return settings


def _parse(text: str) -> Any:
    import yaml

    try:
        return float(text) if not text.lstrip("+-").isdigit() else int(text)
    except ValueError:
        pass
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise click.BadParameter(f"{text!r}: not a value: {error}") from error


@main.command()
@click.argument("preset")
@click.option("--sample", is_flag=True, help="Train on the embedded sample of the dataset.")
@click.option("--epochs", type=click.IntRange(1), help="In place of the recipe's.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", callback=_settings,
              help="A recipe setting or an option of the architecture, such as latent_dim=32.")  # fmt: skip
@click.option("--early-stopping", type=click.IntRange(1), metavar="EPOCHS",
              help="Stop after so many epochs without a lower validation loss.")  # fmt: skip
@click.option("--deterministic/--no-deterministic", default=None,
              help="Repeat to the bit (default: where there is no GPU).")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace a run that is there.")
@out_option
@data_option
def train(preset: str, settings: dict[str, Any], early_stopping: int | None, out: Path, **options: Any) -> None:
    """Train PRESET and write a run folder with scores, model and pictures."""
    from zoo.terminal import import_keras, print_scores

    if early_stopping is not None:
        settings["early_stopping"] = early_stopping
    for key in ("epochs", "seed", "sample", "out"):
        if key in settings:
            raise click.BadParameter(f"{key} has an option of its own: --{key}")
    zoo.get_model_info(preset)
    import_keras()
    run = zoo.train(preset, out=out, **options, **settings)
    best = run.best or {}
    click.echo(f"best validation epoch: {best['epoch']} of {run.cost['epochs']}", err=True)
    print_scores(run.scores or {})
    click.echo(run.path)


def _load(source: Path, dataset: str | None, part: str, data_dir: Path | None) -> tuple[Any, Any]:
    """Give a model and the split that it is shown with: of the dataset asked for, else the one it was trained on."""
    from zoo.saving import load_model
    from zoo.terminal import import_keras

    if not source.exists():
        raise click.BadParameter(f"{source}: no such run folder or file")
    import_keras()
    model = load_model(source)
    if dataset is None:
        preset = (model.provenance or {}).get("preset")
        if preset is None:
            raise click.UsageError(f"{source} does not say what it was trained on: give --data DATASET")
        dataset = preset.partition("/")[2].partition("-")[0]
    return model, getattr(zoo.load_dataset(dataset, data_dir=data_dir), part)


source_argument = click.argument("source", metavar="RUN|FILE", type=click.Path(path_type=Path))
dataset_option = click.option("--data", "dataset", metavar="DATASET", help="Default: what it was trained on.")
part_option = click.option(
    "--part", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True
)


@main.command()
@source_argument
@dataset_option
@part_option
@data_option
@click.option(
    "--iwae", metavar="K", type=click.IntRange(0), default=0, help="Samples of the importance-weighted bound."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@as_json
def evaluate(
    source: Path, dataset: str | None, part: str, data_dir: Path | None, iwae: int, seed: int, as_json: bool
) -> None:
    """Score the model of a run folder or a .keras file."""
    from zoo.terminal import print_scores

    model, split = _load(source, dataset, part, data_dir)
    scores = zoo.evaluate(model, split, iwae_samples=iwae, seed=seed)
    if as_json:
        _print_json(scores)
    else:
        print_scores(scores)


@main.command()
@source_argument
@click.argument("images", metavar="[IMAGE ...]", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", "png", metavar="PNG", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(["reconstructions", "samples", "interpolation", "latent-space"]),
              default="reconstructions", show_default=True)  # fmt: skip
@click.option("--count", type=click.IntRange(2, 40), default=10, show_default=True, help="Images in a row.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the samples from the prior.")
@dataset_option
@part_option
@data_option
def reconstruct(
    source: Path, images: tuple[Path, ...], png: Path, kind: str, count: int, seed: int,
    dataset: str | None, part: str, data_dir: Path | None,
) -> None:  # fmt: skip
    """Draw originals over reconstructions, of image files or of the test split; or another picture of the model."""
    from zoo import plots
    from zoo.files import replacing
    from zoo.terminal import import_keras, read_images

    if png.suffix.lower() != ".png":
        raise click.BadParameter(f"--out {png}: expected a name that ends in .png")
    if not png.parent.is_dir():
        raise click.BadParameter(f"--out {png}: there is no folder {png.parent}")
    if images:
        if not source.exists():
            raise click.BadParameter(f"{source}: no such run folder or file")
        import_keras()
        model = zoo.load_model(source)
        array, labels = read_images(images, model.image_shape), None
    else:
        model, split = _load(source, dataset, part, data_dir)
        array, labels = split.images, split.labels
    draw: dict[str, Callable[[], Any]] = {
        "reconstructions": lambda: plots.plot_reconstructions(model, array if images else array[:count]),
        "samples": lambda: plots.plot_samples(model, columns=count, seed=seed),
        "interpolation": lambda: plots.plot_interpolation(
            model, array[: len(array) // 2][:4], array[len(array) // 2 :][: min(4, len(array) // 2)], count
        ),
        "latent-space": lambda: plots.plot_latent_space(model, array[:2000], None if labels is None else labels[:2000]),
    }
    figure = draw[kind]()
    with replacing(png) as temporary:
        figure.savefig(temporary)
    click.echo(png)


@main.command()
@click.argument("presets", metavar="[PRESET ...]", nargs=-1)
@click.option("--full", is_flag=True, help="Train on the full datasets; else on the embedded samples.")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="How many seeds.")
@click.option("--epochs", type=click.IntRange(1), help="In place of the recipes'.")
@out_option
@data_option
@as_json
def benchmark(presets: tuple[str, ...], as_json: bool, out: Path, **options: Any) -> None:
    """Train presets and compare them; without names, the default set of the registry."""
    from zoo.terminal import import_keras, print_leaderboard

    for name in presets:
        zoo.get_model_info(name)
    import_keras()
    leaderboard = zoo.benchmark(presets or None, out=out, **options)
    if as_json:
        _print_json(leaderboard.to_dict())
    else:
        print_leaderboard(leaderboard)
    click.echo(f"zoo: {out}/leaderboard.md, leaderboard.json and reconstructions.png are written", err=True)
    if leaderboard.failed:
        sys.exit(1)


def _print_json(content: Any) -> None:
    click.echo(json.dumps(content, indent=2, allow_nan=False))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return " x ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _show_warning(message: Warning | str, *args: Any, **kwargs: Any) -> None:
    click.echo(f"zoo: warning: {message}", err=True)
