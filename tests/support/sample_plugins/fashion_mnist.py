"""Somebody else's dataset: Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747), from its IDX files."""

from zoo import DatasetSpec, hookimpl

CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
DEBIAN = "/usr/share/datasets/fashion-mnist"


@hookimpl
def zoo_datasets():
    yield DatasetSpec(
        name="fashion_mnist",
        summary="Clothes in grey, of the size and number of MNIST's digits",
        image_shape=(28, 28, 1),
        classes=CLASSES,
        load=load,
        recipe={"epochs": 10},
    )


def load(data_dir):
    from pathlib import Path

    import zoo

    folder = Path(data_dir or DEBIAN)
    images, labels = _read(folder, "train")
    held_out = len(images) // 6
    parts = {
        "train": (images[:-held_out], labels[:-held_out]),
        "validation": (images[-held_out:], labels[-held_out:]),
        "test": _read(folder, "t10k"),
    }
    splits = {part: zoo.Split(*arrays, "fashion_mnist", part) for part, arrays in parts.items()}
    return zoo.Dataset("fashion_mnist", classes=CLASSES, image_shape=(28, 28, 1), **splits)


def _read(folder, part):
    import gzip
    import struct

    from zoo.data.formats.idx import read_idx

    path = folder / f"{part}-images-idx3-ubyte.gz"
    with gzip.open(path) as file:
        (count,) = struct.unpack(">4xI", file.read(8))
    images = read_idx(path, (count, 28, 28))[..., None]
    return images, read_idx(folder / f"{part}-labels-idx1-ubyte.gz", (count,), len(CLASSES) - 1)
