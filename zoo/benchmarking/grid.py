"""From presets and seeds to runs and their leaderboard."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import zoo
from zoo import plots, registry
from zoo.benchmarking.leaderboard import Leaderboard
from zoo.data.load import load_dataset
from zoo.errors import ArchitectureError, RunError, UnknownNameError
from zoo.factory import create_from_preset, parameter_count
from zoo.files import write_figure
from zoo.inputs import as_float
from zoo.presets import Preset
from zoo.training.plan import describe_plan, plan_run
from zoo.training.run import Run, run_path
from zoo.training.session import train

logger = logging.getLogger("zoo")
SHOWN = 10


def benchmark(
    presets: str | Iterable[str] | None = None,
    *,
    seeds: int | Sequence[int] = 1,
    epochs: int | None = None,
    full: bool = False,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    progress: bool = True,
) -> Leaderboard:
    """Train presets, each with every seed, and compare them.

    A run that is finished in ``out`` already is taken as it is; one that did not finish is trained anew. A preset that
    fails is a row that says why, and the others go on.

    Args:
        presets: a name or several; by default the set that ``registry.yaml`` lists.
        seeds: how many seeds (0, 1, ...), or the seeds.
        epochs: in place of the recipes'.
        full: train on the full datasets; else on their embedded samples.
        out: where run folders, ``leaderboard.md``, ``leaderboard.json`` and ``reconstructions.png`` go; ``runs`` by
            default.
        data_dir: where the official files of the datasets are.
        progress: show progress on stderr.

    Returns:
        The leaderboard.

    Raises:
        UnknownNameError: no such preset.
        ValueError: no seed or no preset.
        DatasetError: the images cannot be had.
    """
    folder = Path(out if out is not None else "runs")
    chosen = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    names = [presets] if isinstance(presets, str) else list(presets or registry.benchmark_presets())
    if not chosen or not names:
        raise ValueError(f"got {len(names)} presets and {len(chosen)} seeds; expected at least one of each")
    # Every name is looked up before the first training.
    plans: dict[str, Preset] = {}
    missing = []
    for name in names:
        try:
            plan = plan_run(name, epochs=epochs, sample=not full)
        except UnknownNameError as error:
            if presets is not None:
                raise
            # The default set was not typed by the user: a plugin that failed to load is a row as well.
            missing += [{"preset": name, "seed": seed, "error": str(error)} for seed in chosen]
        else:
            plans[plan.name] = plan
    for dataset in {plan.dataset.name for plan in plans.values()}:
        load_dataset(dataset, data_dir=data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    runs = []
    for seed in chosen:
        for number, plan in enumerate(plans.values(), start=1):
            if progress:
                logger.info("%d of %d, seed %d", number, len(plans), seed)
            runs.append(_run(plan, seed, folder, data_dir, progress))
            gc.collect()
    leaderboard = Leaderboard.from_runs(runs, folder, missing)
    leaderboard.save()
    _compare(runs, folder, data_dir)
    return leaderboard


def _run(plan: Preset, seed: int, out: Path, data_dir: str | Path | None, progress: bool) -> Run:
    path = run_path(out, plan.name, seed, describe_plan(plan, seed))
    if path.exists():
        earlier = Run(path)
        if earlier.state == "finished" and _is_current(earlier, plan, seed):
            logger.info("%s: finished before, taken as it is", path)
            return earlier
        changed = "finished before, but the code has changed since" if earlier.state == "finished" else earlier.state
        logger.warning("%s: %s, trained anew", path, changed)
    try:
        return train(
            plan.name,
            epochs=plan.recipe.epochs,
            seed=seed,
            out=out,
            data_dir=data_dir,
            overwrite=True,
            progress=progress,
        )
    except RunError as error:
        logger.warning("%s", error)
        return Run(path)


def _is_current(run: Run, plan: Preset, seed: int) -> bool:
    """Tell whether a finished run is of the code that is here: versions and number of parameters."""
    plugin = plan.architecture.plugin
    version = None if plugin is None else plugin.version
    provenance = run.record["provenance"]
    same = provenance["zoo"] == zoo.__version__ and (provenance["plugin"] or {"version": None})["version"] == version
    try:
        return same and run.cost["parameters"] == parameter_count(create_from_preset(plan, seed))
    except ArchitectureError:
        return False


def _compare(runs: list[Run], folder: Path, data_dir: str | Path | None) -> None:
    """Draw the same test images through the first finished run of every preset."""
    first: dict[str, Run] = {}
    for run in runs:
        if run.status == "finished":
            first.setdefault(run.config["preset"], run)
    rows: dict[str, Any] = {}
    for run in sorted(first.values(), key=lambda item: item.config["dataset"]):
        preset, dataset = run.config["preset"], run.config["dataset"]
        images = load_dataset(dataset, data_dir=data_dir, limit=SHOWN).test.images
        rows.setdefault(dataset, as_float(images))
        rows[preset] = run.model.reconstruct(images)
    if rows:
        write_figure(folder / "reconstructions.png", plots.plot_rows(rows))
