"""The ``zoo cache`` command."""

from __future__ import annotations

import click

from zoo.cli.options import as_json
from zoo.cli.printing import echo, print_json, print_table, tell


@click.command()
@click.option("--remove", metavar="NAME", multiple=True, help="Remove this entry; may be given several times.")
@click.option("--remove-all", is_flag=True, help="Remove all entries.")
@as_json
def cache(remove: tuple[str, ...], remove_all: bool, as_json: bool) -> None:
    """List the decoded images of folders that are kept for later, or remove them.

    They are in $ZOO_CACHE, by default ~/.keras/zoo/cache. An entry that is removed is made again when its folder is
    loaded; one without a folder is being made, or was left behind by a process that was killed.
    """
    from zoo.data.image_cache import cache_folder, list_entries, remove_entry

    if remove or remove_all:
        for name in remove or [entry.name for entry in list_entries()]:
            remove_entry(name)
            tell(f"removed {name}")
        return
    entries = list_entries()
    if as_json:
        print_json([{"name": it.name, "folder": it.folder, "images": it.images, "bytes": it.size} for it in entries])
    elif not entries:
        echo(f"the cache in {cache_folder()} is empty")
    else:
        rows = [[it.name, it.folder or "-", f"{it.images:,}", f"{it.size / 1e6:,.1f}"] for it in entries]
        print_table(["entry", "folder", "images", "MB"], rows, numbers_from=2)
        echo(f"\nin {cache_folder()}; zoo cache --remove NAME removes one")
