"""The commands for images without loss: ``zoo compress`` and ``zoo decompress``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.keras_import import import_keras
from zoo.cli.options import as_json, data_option
from zoo.cli.printing import echo, print_json
from zoo.cli.trained import load_trained
from zoo.errors import CompressionError, UnknownNameError, counted
from zoo.files import making_folder, replacing

_ARRAY = ".npy"


@click.command()
@click.argument("images", metavar="IMAGES")
@click.option("--model", "source", metavar="RUN|FILE|PRESET", required=True, help="Model to compress with.")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="File to write.")  # fmt: skip
@click.option("--binarize", is_flag=True, help="Write the zeros and ones that a model of binary images sees (a loss).")
@click.option("--limit", metavar="N", type=click.IntRange(1), help="Take only the first N images.")
@click.option("--batch", metavar="N", type=click.IntRange(1), help="Images at a time (default: about 1,000 latents).")
@click.option("--latent-bits", metavar="N", type=click.IntRange(6, 16), default=12, show_default=True,
              help="Bits that a latent is rounded to.")  # fmt: skip
@click.option("--no-check", is_flag=True, help="Do not restore the images again before the file is kept.")
@click.option("--overwrite", is_flag=True, help="Replace the file.")
@data_option
@as_json
def compress(
    images: str, source: str, out: Path, binarize: bool, limit: int | None, batch: int | None, latent_bits: int,
    no_check: bool, overwrite: bool, data_dir: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Write images to a file without loss, in as many bits as a model says they take.

    IMAGES is a folder, a .npy or .npz file, or a dataset, such as mnist or mnist:validation.
    """
    model = load_trained(source)
    from zoo.compression import compress as write
    from zoo.data.named_images import read_exactly

    found = read_exactly(images, model.image_shape, data_dir)
    if limit is not None:
        found = found.limit(limit) if hasattr(found, "limit") else found[:limit]
    made = write(
        model, found, out, binarize=binarize, batch=batch, latent_bits=latent_bits, check=not no_check,
        overwrite=overwrite, progress=True,
    )  # fmt: skip
    if as_json:
        print_json({
            "path": str(made.path), "bytes": made.size, "images": made.images, "bits_per_dim": made.bits_per_dim,
            "computed_bits_per_dim": made.computed_bits_per_dim, "initial_bits": made.initial_bits,
            "seconds": made.seconds,
        })  # fmt: skip
        return
    echo(made.path)
    echo(
        f"{counted(made.images, 'image')} in {made.size:,} bytes: {made.bits_per_dim:.4f} bits per dimension, "
        f"{made.computed_bits_per_dim:.4f} computed; {made.initial_bits:,} initial bits",
        err=True,
    )


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--out", metavar="FOLDER|FILE.npy", type=click.Path(path_type=Path), required=True,
              help="Folder for PNG files, or .npy file, to write.")  # fmt: skip
@click.option("--model", "source", metavar="RUN|FILE|PRESET",
              help="Model that the file was written with (default: the trained preset that it names).")  # fmt: skip
def decompress(file: Path, out: Path, source: str | None) -> None:
    """Restore the images of a file of zoo compress."""
    if out.exists():
        raise click.BadParameter(f"--out {out} exists: choose another name, or remove it")
    if not out.absolute().parent.is_dir():
        raise click.BadParameter(f"--out {out}: the folder {out.parent} does not exist")
    model = _load_named(file) if source is None else load_trained(source)
    from zoo.compression import decompress as restore

    channels = model.image_shape[-1]
    if out.suffix != _ARRAY and channels not in (1, 3, 4):
        raise click.BadParameter(f"--out {out}: images of {channels} channels are no PNG: choose a name ending in .npy")
    images = restore(file, model, progress=True)
    if out.suffix == _ARRAY:
        _write_array(out, images)
    else:
        _write_pictures(out, images)
    echo(out)
    echo(f"{counted(len(images), 'image')} of {'x'.join(map(str, images.shape[1:]))}", err=True)


def _load_named(file: Path) -> Any:
    """Return the trained model of the preset that a file names; nothing but a preset's own weights is read."""
    import_keras()
    import zoo
    from zoo.compression.container import read_file
    from zoo.registry import catalogue
    from zoo.registry.specs import FOLDER
    from zoo.weights.sources import find_weights

    name = read_file(file)[0].model
    try:
        if "/" not in name or FOLDER in name:
            raise UnknownNameError(name)
        found = find_weights("default", catalogue.preset(name))
    except UnknownNameError:
        raise CompressionError(
            f"{file} was written with {name or 'a model without a name'}, which is no preset here: pass --model RUN"
        ) from None
    return zoo.load_model(found.path)


def _write_array(out: Path, images: Any) -> None:
    import numpy as np

    with replacing(out) as temporary:
        np.save(temporary, images, allow_pickle=False)


def _write_pictures(out: Path, images: Any) -> None:
    from PIL import Image

    digits = len(str(len(images) - 1))
    with making_folder(out) as folder:
        for number, image in enumerate(images):
            picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
            picture.save(folder / f"{number:0{digits}}.png")
