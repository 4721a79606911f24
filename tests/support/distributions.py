"""Fake installed distributions."""

import importlib
from pathlib import Path


def write_distribution(site, distribution, version, entry_points):
    folder = Path(site) / f"{distribution.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    (folder / "entry_points.txt").write_text(entry_points)
    importlib.invalidate_caches()
