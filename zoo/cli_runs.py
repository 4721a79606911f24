"""The commands that train models or read them: ``zoo train``, ``evaluate``, ``compare`` and so on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

import zoo
from zoo.cli_options import (
    as_json,
    data_option,
    dataset_option,
    out_option,
    part_option,
    read_settings,
    seed_option,
    source_argument,
)
from zoo.files import write_figure
from zoo.specs import FOLDER
from zoo.terminal import import_keras, print_comparison, print_json, print_profile, print_scores

if TYPE_CHECKING:
    from zoo.training import Run


@click.command()
@click.argument("preset", required=False)
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN",
              help="In place of PRESET: go on with the run of this folder after its last completed epoch, or with "
                   "--epochs train more of them.")  # fmt: skip
@click.option("--sample", is_flag=True, help="Train on the embedded sample of the dataset.")
@click.option("--epochs", type=click.IntRange(1), help="In place of the recipe's.")
@seed_option
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", callback=read_settings,
              help="A recipe setting or an option of the architecture, such as latent_dim=32.")  # fmt: skip
@click.option("--early-stopping", type=click.IntRange(1), metavar="EPOCHS",
              help="Stop after so many epochs without a lower validation loss.")  # fmt: skip
@click.option("--deterministic/--no-deterministic", default=None,
              help="Repeat to the bit (default: where there is no GPU).")  # fmt: skip
@click.option("--tensorboard", is_flag=True, help="Write event files for TensorBoard into the run folder.")
@click.option("--profile", is_flag=True, help="Trace some steps and tell where their time goes.")
@click.option("--overwrite", is_flag=True, help="Replace a run that is there.")
@out_option
@data_option
@click.pass_context
def train(
    ctx: click.Context, preset: str | None, resume: Path | None, settings: dict[str, Any], early_stopping: int | None,
    **options: Any,
) -> None:  # fmt: skip
    """Train PRESET and write a run folder with scores, model and pictures."""
    if resume is not None:
        run = _resume(ctx, resume, options)
    elif preset is None:
        raise click.UsageError("Missing argument 'PRESET', or --resume RUN.")
    else:
        if early_stopping is not None:
            settings["early_stopping"] = early_stopping
        run = _train(preset, settings, options)
    if options["profile"]:
        print_profile(run.path)
    best = run.best or {}
    click.echo(f"best validation epoch: {best['epoch']} of {run.cost['epochs']}", err=True)
    print_scores({**(run.scores or {}), "cost": run.cost})
    click.echo(run.path)


def _train(preset: str, settings: dict[str, Any], options: dict[str, Any]) -> Run:
    for key in options:
        if key in settings:
            raise click.BadParameter(f"{key} has an option of its own: --{key.replace('_', '-')}")
    for key in ("preset", "progress"):
        if key in settings:
            raise click.BadParameter(f"{key} cannot be set")
    zoo.get_model_info(preset)
    import_keras()
    return zoo.train(preset, **options, **settings)


def _resume(ctx: click.Context, path: Path, options: dict[str, Any]) -> Run:
    taken = ("epochs", "data_dir", "overwrite", "tensorboard")
    for param in ctx.command.params:
        name = str(param.name)
        if name not in ("resume", *taken) and ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(
                f"--resume takes a run as it is: leave out {param.opts[0] if param.opts[0][0] == '-' else 'PRESET'}"
            )
    if not path.is_dir():
        raise click.BadParameter(f"--resume {path}: no such run folder")
    import_keras()
    from zoo.training import resume

    return resume(path, **{name: options[name] for name in taken} | {"tensorboard": options["tensorboard"] or None})


def _load_model(source: Path) -> Any:
    if not source.exists():
        raise click.BadParameter(f"{source}: no such run folder or file")
    import_keras()
    _tell_doubts(source)
    return zoo.load_model(source)


def _tell_doubts(source: Path) -> None:
    if source.is_dir():
        for doubt in zoo.Run(source).doubts():
            click.echo(f"zoo: warning: {doubt}", err=True)


def _load_split(model: Any, source: Path, dataset: str | None, part: str, data_dir: Path | None) -> Any:
    """Give the split that a model is shown with: of the dataset asked for, else of the one it was trained on."""
    if dataset is None:
        dataset = (model.provenance or {}).get("trained_on")
        if dataset is None:
            raise click.UsageError(f"{source} does not say what it was trained on: give --data DATASET")
    if dataset.startswith(FOLDER):
        return getattr(zoo.load_images(dataset.removeprefix(FOLDER), model.image_shape), part)
    return getattr(zoo.load_dataset(dataset, data_dir=data_dir), part)


@click.command()
@source_argument
@dataset_option
@part_option
@data_option
@click.option(
    "--iwae",
    metavar="K",
    type=click.IntRange(0),
    default=0,
    help="Samples of the importance-weighted bound; 0 leaves it out.",
)
@click.option("--limit", metavar="N", type=click.IntRange(1), help="Score the first N images alone.")
@seed_option
@as_json
def evaluate(
    source: Path, dataset: str | None, part: str, data_dir: Path | None, iwae: int, limit: int | None, seed: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Score the model of a run folder or a .keras file, and measure what it costs."""
    model = _load_model(source)
    split = _load_split(model, source, dataset, part, data_dir)
    if limit is not None:
        split = split.limit(limit)
    scores = zoo.evaluate(model, split, iwae_samples=iwae, seed=seed, cost=True, progress=True)
    if iwae and scores["iwae"] is None:
        reason = (
            f"{model.likelihood.identifier} is no likelihood of these images"
            if scores["negative_elbo"] is None
            else f"{type(model).__name__} has terms of the bound of its own, but no log_weights"
        )
        click.echo(f"zoo: no importance-weighted bound: {reason}", err=True)
    if as_json:
        print_json(scores)
    else:
        print_scores(scores)


@click.command()
@click.argument("first", metavar="RUN|JSON", type=click.Path(path_type=Path))
@click.argument("second", metavar="RUN|JSON", type=click.Path(path_type=Path))
@as_json
def compare(first: Path, second: Path, as_json: bool) -> None:
    """Give the difference of two results: run folders, or files that zoo evaluate --json printed."""
    for source in (first, second):
        if not source.exists():
            raise click.BadParameter(f"{source}: no such run folder or file")
    import_keras()
    for source in (first, second):
        _tell_doubts(source)
    comparison = zoo.compare(first, second)
    if as_json:
        print_json(comparison)
    else:
        print_comparison(comparison, first, second)


@click.command()
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
    from zoo.data.image_files import read_images

    if images and kind == "samples":
        raise click.UsageError("samples are drawn from the prior: give no images, or another --kind")
    if png.suffix.lower() != ".png":
        raise click.BadParameter(f"--out {png}: expected a name that ends in .png")
    if not png.parent.is_dir():
        raise click.BadParameter(f"--out {png}: there is no folder {png.parent}")
    model = _load_model(source)
    if images:
        array, labels = read_images(images, model.image_shape), None
    else:
        split = _load_split(model, source, dataset, part, data_dir)
        array, labels = split.images, split.labels
    if kind == "interpolation" and len(array) < 2:
        raise click.UsageError("an interpolation needs at least two images")
    draw: dict[str, Callable[[], Any]] = {
        "reconstructions": lambda: plots.plot_reconstructions(model, array if images else array[:count]),
        "samples": lambda: plots.plot_samples(model, columns=count, seed=seed),
        "interpolation": lambda: plots.plot_interpolation(
            model, array[: len(array) // 2][:4], array[len(array) // 2 :][: min(4, len(array) // 2)], count
        ),
        "latent-space": lambda: plots.plot_latent_space(model, array[:2000], None if labels is None else labels[:2000]),
    }
    write_figure(png, draw[kind]())
    click.echo(png)
