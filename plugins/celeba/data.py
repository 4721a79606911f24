"""Reading CelebA from the files of its authors, as downloaded or unpacked."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL
from PIL import Image

from zoo.data.dataset import PARTS, Dataset, Split
from zoo.data.sources import DataDir, find_folder
from zoo.errors import DatasetError
from zoo.files import replacing
from zoo.progress import show_progress

logger = logging.getLogger("zoo")
COUNTS = (162_770, 19_867, 19_962)
SIZE, SIDE, CROP = (178, 218), 64, 148  # Width and height of a file; the square that is cut out (Larsen et al. 2016).
PARTITION, ATTRIBUTES, IMAGES = "list_eval_partition.txt", "list_attr_celeba.txt", "img_align_celeba"
CLASS = "Smiling"
WORKERS = 8
Read = Callable[[str], bytes]


def load(data_dir: DataDir = None) -> Dataset:
    """Load CelebA's aligned images in the authors' split.

    The middle 148x148 pixels of each image are scaled to 64x64, antialiased, as is usual for autoencoders (Larsen et
    al. 2016, arXiv:1512.09300). The result is kept in the folder as one array of 2.5 GB, which later calls map into
    memory.

    Args:
        data_dir: the folder with ``img_align_celeba.zip``, or what it contains, ``list_eval_partition.txt`` and
            ``list_attr_celeba.txt``, or that has them in ``celeba/``, and there in ``Img/``, ``Eval/`` and ``Anno/`` as
            the authors do; None uses ``$ZOO_DATA``.

    Returns:
        Images uint8 ``(N, 64, 64, 3)``; labels int64, 1 for a smile.

    Raises:
        DatasetError: a file is missing or damaged, or the numbers of images are not those of CelebA.
    """
    folder = find_folder(data_dir)
    if folder is None:
        raise DatasetError(
            f"CelebA cannot be downloaded automatically: get {IMAGES}.zip, {PARTITION} and {ATTRIBUTES} from its "
            "authors' page, and pass their folder as data_dir= (--data-dir) or ZOO_DATA"
        )
    return read_celeba(folder)


def read_celeba(folder: Path, counts: tuple[int, int, int] = COUNTS) -> Dataset:
    """Read CelebA from a folder; arguments and errors as in ``load``.

    Args:
        folder: where the files are.
        counts: the number of images required in each split.
    """
    places = [folder / below / part for below in ("", "celeba") for part in ("", "Img", "Eval", "Anno")]
    partition, attributes = (_find(folder, places, name) for name in (PARTITION, ATTRIBUTES))
    splits = _read_partition(partition, counts)
    smiles = _read_attribute(attributes)
    names = [name for part in splits for name in part]
    unlabelled = next((name for name in names if name not in smiles), None)
    if unlabelled is not None:
        raise DatasetError(f"{attributes}: {unlabelled} is missing, which {partition.name} lists")
    images = _read_images(_open_images(folder, places), names, _digest(partition))
    labels = np.array([smiles[name] for name in names], np.int64)
    ends = np.cumsum([0, *counts])
    made = {
        part: Split(images[start:end], labels[start:end], "celeba", part)
        for part, start, end in zip(PARTS, ends[:-1], ends[1:], strict=True)
    }
    return Dataset("celeba", **made, classes=("not smiling", "smiling"), image_shape=(SIDE, SIDE, 3))


def _find(folder: Path, places: Sequence[Path], name: str) -> Path:
    found = next((place / name for place in places if os.path.isfile(place / name)), None)
    if found is None:
        raise DatasetError(f"CelebA is not in {folder}: {name} is missing there, in celeba/, Eval/ and Anno/")
    return found


def _read_lines(file: Path) -> list[list[str]]:
    try:
        return [line.split() for line in file.read_text(encoding="ascii").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file}: cannot be read: {error}") from error


def _read_partition(file: Path, counts: tuple[int, int, int]) -> list[list[str]]:
    """Return the names of the images of each split, in the order of the file."""
    splits: list[list[str]] = [[], [], []]
    for number, words in enumerate(_read_lines(file), start=1):
        if len(words) != 2 or words[1] not in ("0", "1", "2") or not _is_plain(words[0]):
            raise DatasetError(f"{file}: line {number} is {' '.join(words)[:60]!r}: expected an image and 0, 1 or 2")
        splits[int(words[1])].append(words[0])
    found = tuple(map(len, splits))
    if found != counts:
        raise DatasetError(f"{file}: lists {found} images for training, validation and test: expected {counts}")
    return splits


def _is_plain(name: str) -> bool:
    """Whether a name from a file is only the name of a file."""
    return os.path.basename(name) == name and name not in (".", "..")


def _read_attribute(file: Path) -> dict[str, int]:
    """Return whether each image has the attribute: a count, the attributes' names, then 1 or -1 for each image."""
    lines = _read_lines(file)
    if len(lines) < 3 or CLASS not in lines[1]:
        raise DatasetError(f"{file}: the second line does not name the attribute {CLASS}")
    column, width = lines[1].index(CLASS) + 1, len(lines[1]) + 1
    found = {}
    for number, words in enumerate(lines[2:], start=3):
        if len(words) != width or words[column] not in ("1", "-1"):
            raise DatasetError(f"{file}: line {number} has {len(words)} columns: expected {width}, each 1 or -1")
        found[words[0]] = int(words[column] == "1")
    return found


@dataclass(frozen=True)
class _Images:
    """Where the images are: their folder or archive, and how one is read."""

    origin: Path
    read: Read
    sizes: dict[str, int]


def _open_images(folder: Path, places: Sequence[Path]) -> _Images:
    for place in places:
        if os.path.isdir(place / IMAGES):
            return _open_folder(place / IMAGES)
        if os.path.isfile(place / f"{IMAGES}.zip"):
            return _open_archive(place / f"{IMAGES}.zip")
    raise DatasetError(f"CelebA is not in {folder}: {IMAGES}.zip is missing there, in celeba/ and Img/, and unpacked")


def _open_folder(folder: Path) -> _Images:
    sizes = {entry.name: entry.stat().st_size for entry in os.scandir(folder) if entry.is_file()}
    return _Images(folder, lambda name: (folder / name).read_bytes(), sizes)


def _open_archive(file: Path) -> _Images:
    try:
        archive = zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{file}: cannot be read: {error}") from error
    members = {os.path.basename(info.filename): info for info in archive.infolist() if not info.is_dir()}
    sizes = {name: info.file_size for name, info in members.items()}
    return _Images(file, lambda name: archive.read(members[name]), sizes)


def _digest(partition: Path) -> str:
    return hashlib.sha256(partition.read_bytes()).hexdigest()


def _read_images(images: _Images, names: list[str], partition: str) -> npt.NDArray[np.uint8]:
    """Return all images in one array: that of an earlier call if the files are the same, else a new one."""
    missing = next((name for name in names if name not in images.sizes), None)
    if missing is not None:
        raise DatasetError(f"{images.origin}: {missing} is missing, which {PARTITION} lists")
    sizes = "".join(f"{name} {images.sizes[name]}\n" for name in names)
    facts = f"{partition} {hashlib.sha256(sizes.encode()).hexdigest()} {CROP} {SIDE} {PIL.__version__}"
    kept = images.origin.with_name(f"celeba-{SIDE}x{SIDE}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}.npy")
    shape = (len(names), SIDE, SIDE, 3)
    try:
        mapped: npt.NDArray[np.uint8] = np.load(kept, mmap_mode="r", allow_pickle=False)
        if mapped.shape == shape and mapped.dtype == np.uint8:
            return mapped
    except (OSError, ValueError):
        pass  # Not there, or damaged: it is made again.
    array = np.empty(shape, np.uint8)
    with ThreadPoolExecutor(WORKERS) as pool, show_progress("reading CelebA", len(names), True) as advance:
        for index, pixels in enumerate(pool.map(lambda name: _read_image(images, name), names)):
            array[index] = pixels
            advance(1)
    try:
        with replacing(kept) as temporary:
            np.save(temporary, array)
    except OSError as error:
        logger.warning("%s cannot be written (%s): CelebA is decoded again at each start", kept, error.strerror)
    return array


def _read_image(images: _Images, name: str) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(images.read(name)), formats=("JPEG", "PNG")) as image:
            if image.size != SIZE:
                raise DatasetError(f"it is {image.size[0]}x{image.size[1]}: expected {SIZE[0]}x{SIZE[1]}")
            left, top = (SIZE[0] - CROP) // 2, (SIZE[1] - CROP) // 2
            square = image.convert("RGB").crop((left, top, left + CROP, top + CROP))
            small = square.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        return np.asarray(small, np.uint8)
    except Exception as error:  # Pillow's decoders may raise any exception on damaged files.
        raise DatasetError(f"{images.origin}: {name} cannot be read: {error}") from error
