"""The commands that score models: ``zoo evaluate`` and ``zoo compare``."""

from __future__ import annotations

from pathlib import Path

import click

import zoo
from zoo.cli.options import as_json, data_option, dataset_option, part_option, seed_option, source_argument
from zoo.cli.printing import print_comparison, print_json, print_scores
from zoo.cli.trained import load_split, load_trained, tell_doubts


@click.command()
@source_argument
@dataset_option
@part_option
@data_option
@click.option("--importance-samples", metavar="K", type=click.IntRange(0), default=0,
              help="Samples for the importance-weighted bound (default: 0, which omits it).")  # fmt: skip
@click.option("--iwae", type=click.IntRange(0), hidden=True)  # Its former name.
@click.option("--limit", metavar="N", type=click.IntRange(1), help="Score only the first N images.")
@seed_option
@as_json
def evaluate(
    source: Path, dataset: str | None, part: str, data_dir: Path | None, importance_samples: int, iwae: int | None,
    limit: int | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Score the model in a run folder or a .keras file, and measure its cost."""
    if iwae is not None:
        click.echo("zoo: warning: --iwae is now called --importance-samples", err=True)
        importance_samples = iwae
    model = load_trained(source)
    split = load_split(model, source, dataset, part, data_dir)
    if limit is not None:
        split = split.limit(limit)
    scores = zoo.evaluate(model, split, importance_samples=importance_samples, seed=seed, cost=True, progress=True)
    if importance_samples and scores["iwae"] is None:
        reason = (
            f"{model.likelihood.identifier} is not a likelihood for these images"
            if scores["negative_elbo"] is None
            else f"{type(model).__name__} overrides the terms of the bound, but not log_weights"
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
    """Show the difference between two results: run folders, or the output files of zoo evaluate --json."""
    for source in (first, second):
        if not source.exists():
            raise click.BadParameter(f"{source}: no such run folder or file")
    for source in dict.fromkeys((first, second)):
        tell_doubts(source)
    comparison = zoo.compare(first, second)
    if as_json:
        print_json(comparison)
    else:
        print_comparison(comparison, first, second)
