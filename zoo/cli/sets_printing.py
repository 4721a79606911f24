"""The output of ``zoo evaluate`` about sets of images: others, and samples."""

from __future__ import annotations

from typing import Any

from zoo.cli.printing import echo, print_table
from zoo.errors import counted


def print_outliers(outliers: dict[str, Any]) -> None:
    """Print how well anomaly scores tell outliers, as in the result of ``zoo evaluate --against``."""
    echo(f"\nagainst {outliers['against']}, {counted(outliers['images'], 'image')}: 0.5 is chance, 1 is perfect")
    rows = []
    for name, found in outliers["scores"].items():
        title = name.replace("_", " ").replace("elbo", "ELBO")
        rows.append([title, f"{found['auroc']:.3f}", f"{found['low']:.3f} to {found['high']:.3f}"])
    print_table(["anomaly score", "AUROC", "95 % interval"], rows, numbers_from=1)


def print_samples(samples: dict[str, Any]) -> None:
    """Print how samples compare with images, as in the result of ``zoo evaluate --samples``."""
    echo(
        f"\n{counted(samples['samples'], 'sample')} by {samples['sampler']}, against "
        f"{counted(samples['images'], 'image')}, by {samples['features']}"
    )
    rows = []
    for name, digits in (("precision", 3), ("recall", 3), ("frechet_distance", 2)):
        found = samples[name]
        interval = f"{found['low']:,.{digits}f} to {found['high']:,.{digits}f}"
        rows.append([name.replace("_", " ").replace("frechet", "Frechet"), f"{found['value']:,.{digits}f}", interval])
    print_table(["score of samples", "value", "95 % interval"], rows, numbers_from=1)
