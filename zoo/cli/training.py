"""The ``zoo train`` command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

import zoo
from zoo.cli.keras_import import import_keras
from zoo.cli.options import callback_option, data_option, out_option, read_settings, seed_option
from zoo.cli.printing import echo, print_profile, print_scores
from zoo.cli.trained import find_source, tell_doubts

if TYPE_CHECKING:
    from zoo.runs.run import Run


@click.command()
@click.argument("preset", required=False)
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN",
              help="Instead of PRESET: continue the run in this folder after its last completed epoch; with --epochs, "
                   "train it for more epochs.")  # fmt: skip
@click.option("--sample", is_flag=True, help="Train on the embedded sample of the dataset.")
@click.option("--epochs", type=click.IntRange(1), help="Number of epochs (default: the recipe's).")
@seed_option
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", callback=read_settings,
              help="A recipe setting or an option of the architecture, such as latent_dim=32.")  # fmt: skip
@click.option("--early-stopping", type=click.IntRange(1), metavar="EPOCHS",
              help="Stop after this many epochs without a lower validation loss.")  # fmt: skip
@click.option("--conditional", is_flag=True,
              help="Let encoder and decoder take the images' labels too: a model of p(x|y).")  # fmt: skip
@click.option("--start", metavar="RUN|FILE|PRESET",
              help="Start from the weights of this model, which has the same architecture and options.")  # fmt: skip
@callback_option
@click.option("--deterministic/--no-deterministic", default=None,
              help="Make runs reproducible to the bit (default: only if there is no GPU).")  # fmt: skip
@click.option("--devices", type=click.Choice(["one", "all"]), default="one", show_default=True,
              help="Train on one device, or on all GPUs of the machine, which share every batch.")  # fmt: skip
@click.option("--tensorboard", is_flag=True, help="Write event files for TensorBoard into the run folder.")
@click.option("--profile", is_flag=True, help="Trace some steps and show where their time goes.")
@click.option("--overwrite", is_flag=True, help="Replace an existing run.")
@out_option
@data_option
@click.pass_context
def train(
    ctx: click.Context, /, preset: str | None, resume: Path | None, settings: dict[str, Any],
    early_stopping: int | None, conditional: bool, **options: Any,
) -> None:  # fmt: skip
    """Train PRESET and write a run folder with scores, model and pictures."""
    if resume is not None:
        run = _resume(ctx, resume, options)
    elif preset is None:
        raise click.UsageError("Missing argument 'PRESET', or --resume RUN.")
    else:
        if early_stopping is not None:
            settings["early_stopping"] = early_stopping
        if conditional:
            settings["conditional"] = True
        run = _train(ctx, preset, settings, options)
    if options["profile"]:
        print_profile(run.path)
    best = run.best or {}
    echo(f"best validation epoch: {best['epoch']} of {run.cost['epochs']}", err=True)
    print_scores({**(run.scores or {}), "cost": run.cost})
    echo(run.path)


def _train(ctx: click.Context, preset: str, settings: dict[str, Any], options: dict[str, Any]) -> Run:
    for param in ctx.command.params:
        if param.name in options and param.name in settings:
            raise click.BadParameter(f"{param.name} has its own option: use {param.opts[0]}")
    for key in ("preset", "progress", "data"):
        if key in settings:
            raise click.BadParameter(f"{key} cannot be set")
    zoo.get_model_info(preset)
    import_keras()
    if options["start"] is not None:
        options["start"] = find_source(options["start"])
        tell_doubts(options["start"])
    return zoo.train(preset, **{**options, "callbacks": list(options["callbacks"])}, **settings)


def _resume(ctx: click.Context, path: Path, options: dict[str, Any]) -> Run:
    taken = ("epochs", "data_dir", "overwrite", "tensorboard", "devices")
    for param in ctx.command.params:
        name = str(param.name)
        if name not in ("resume", *taken) and ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(
                f"--resume keeps a run's settings: leave out {param.opts[0] if param.opts[0][0] == '-' else 'PRESET'}"
            )
    if not path.is_dir():
        raise click.BadParameter(f"--resume {path}: no such run folder")
    import_keras()
    from zoo.training import resume

    return resume(path, **{name: options[name] for name in taken} | {"tensorboard": options["tensorboard"] or None})
