"""Readers of files meet damaged and invented ones: they give arrays as promised, or a ``DatasetError`` of one sentence.

A few inputs for each reader belong to the suite. For many: ``ZOO_FUZZ=100000 pytest tests/test_fuzz_data.py -m slow``.
"""

import gzip
import io
import os
import zipfile

import numpy as np
import pytest
from PIL import Image
from support.data_files import make_binary_batch, make_idx, make_python2_batch, make_python3_batch

from zoo.data.formats.binary_batch import read_binary_batch
from zoo.data.formats.idx import read_idx
from zoo.data.formats.npz import read_npz
from zoo.data.formats.python_batch import read_python_batch
from zoo.data.image_files import ImageReader
from zoo.errors import DatasetError

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

MANY, FEW = int(os.environ.get("ZOO_FUZZ", "2000")), 100
IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
PLANES, LABELS = np.arange(8, dtype=np.uint8).reshape(2, 4), np.array([3, 9], np.uint8)
NUMBERS = [0, 1, 2, 9, 10, 127, 128, 254, 255]
WORDS = [b"\xff" * 4, b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff", b"\0\0\0\x80", b"\0" * 8, b"\xff" * 8, b"\0\1\0\0"]


@st.composite
def mutated(draw, contents):
    """Take one of the contents, most often with some bytes changed, left out, repeated or put in, or cut off."""
    content = bytearray(draw(st.sampled_from(contents)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(content)))
        stop = min(place + draw(st.integers(0, 12)), len(content))
        match draw(st.integers(0, 5)):
            case 0 if place < len(content):
                content[place] ^= 1 << draw(st.integers(0, 7))
            case 1 if place < len(content):
                content[place] = draw(st.sampled_from(NUMBERS))
            case 2:
                content[place:stop] = draw(st.sampled_from(WORDS) | st.binary(max_size=6))
            case 3:
                del content[place:stop]
            case 4:
                content[stop:stop] = content[place:stop] * draw(st.integers(1, 40))
            case 5:
                del content[place:]
    return bytes(content)


def make_npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def make_zip(members, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


@st.composite
def zips(draw):
    """Make archives that are whole, of members that are damaged."""
    method = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    return make_zip([(f"{name}.npy", draw(mutated([make_npy(array)]))) for name, array in NPZ.items()], method)


NPZ = {"x": IMAGES, "y": LABELS}
NPZ_FILES = [
    make_zip([(f"{name}.npy", make_npy(array)) for name, array in NPZ.items()], method)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
]
BATCHES = [make_python2_batch(PLANES, LABELS), make_python3_batch(PLANES, LABELS)]
PIECES = [
    *(bytes([code]) for code in b"()]}Nt.aesubRq0123lpgoic2"),
    *(b"K\0", b"K\1", b"K\2", b"K\3", b"K\4", b"q\0", b"q\1", b"h\0", b"h\1", b"r\xff\xff\xff\xff", b"\x85", b"\x86"),
    *(b"\x87", b"\x88", b"\x89", b"M\xff\xff", b"J\xff\xff\xff\xff", b"U\2u1", b"U\x08abcdefgh", b"X\6\0\0\0latin1"),
    *(b"X\x08\0\0\0abcdefgh", b"U\4data", b"U\6labels", b"T\xff\xff\xff\x7f", b"\x80\2", b"cos\nsystem\n"),
    *(b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", b"c_codecs\nencode\n"),
    BATCHES[0][BATCHES[0].index(b"cnumpy") : BATCHES[0].index(b"U\6labels")],
]
PICKLES = st.lists(st.sampled_from(PIECES), max_size=40).map(lambda pieces: b"".join(pieces) + b".")


def make_images():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 7, 4), np.uint8)
    modes = {"RGB": ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO", "PCX", "JPEG2000", "DDS", "QOI"]}
    modes |= {"RGBA": ["PNG", "TIFF", "WEBP", "ICNS"], "L": ["PNG", "JPEG", "SGI"], "P": ["PNG", "GIF"], "1": ["PNG"]}
    contents = []
    Image.init()
    for mode, formats in modes.items():
        image = Image.fromarray(pixels).convert("RGB").convert(mode)
        # Pillow writes QOI since 12.
        for name in [name for name in formats if name in Image.SAVE or name != "QOI"]:
            file = io.BytesIO()
            # The smallest size of an icon.
            (image.resize((16, 16)) if name in ("ICNS", "ICO") else image).save(file, name)
            contents.append(file.getvalue())
    sixteen = io.BytesIO()
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(sixteen, "PNG")
    return [*contents, sixteen.getvalue()]


def read_npz_list(path):
    arrays = read_npz(path, {name: array.shape for name, array in NPZ.items()})
    return [(arrays[name], array.shape, 255) for name, array in NPZ.items()]


def read_batch(read):
    def read_list(path):
        planes, labels = read(path, PLANES.shape, 9)
        return [(planes, PLANES.shape, 255), (labels, LABELS.shape, 9)]

    return read_list


READERS = {
    "idx": ("", [st.binary(max_size=60), mutated([make_idx(IMAGES), make_idx(LABELS)])]),
    "idx.gz": (".gz", [mutated([gzip.compress(make_idx(IMAGES))]), mutated([make_idx(IMAGES)]).map(gzip.compress)]),
    "npz": (".npz", [st.binary(max_size=60), mutated(NPZ_FILES), zips()]),
    "binary": ("", [st.binary(max_size=20), mutated([make_binary_batch(PLANES, LABELS)])]),
    "python": ("", [st.binary(max_size=60), mutated(BATCHES), PICKLES]),
    "image": (".png", [st.binary(max_size=60), mutated(make_images())]),
}
READ = {
    "idx": lambda path: [(read_idx(path, IMAGES.shape, 23), IMAGES.shape, 23)],
    "idx.gz": lambda path: [(read_idx(path, IMAGES.shape, 23), IMAGES.shape, 23)],
    "npz": read_npz_list,
    "binary": read_batch(read_binary_batch),
    "python": read_batch(read_python_batch),
    "image": lambda path: [(ImageReader((8, 8, 3)).read(path), (8, 8, 3), 255)],
}


def check_reader(kind, folder, examples):
    suffix, strategies = READERS[kind]
    hypothesis.configuration.set_hypothesis_home_dir(folder / "hypothesis")
    path = folder / f"file{suffix}"

    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples == FEW,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )
    @hypothesis.given(st.one_of(strategies))
    def check(content):
        path.write_bytes(content)
        try:
            arrays = READ[kind](path)
        except DatasetError as error:
            arrays, message = [], str(error)
        else:
            message = str(path)
        assert str(path) in message
        assert "\n" not in message
        assert len(message) < 1000
        for array, shape, largest in arrays:
            assert array.dtype == np.uint8
            assert array.shape == shape
            assert array.max() <= largest

    check()


@pytest.mark.parametrize("kind", READERS)
def test_a_few_files(kind, tmp_path):
    check_reader(kind, tmp_path, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("kind", READERS)
def test_many_files(kind, tmp_path):
    check_reader(kind, tmp_path, MANY // len(READERS))


def test_the_files_that_are_mutated_can_be_read(tmp_path):
    for kind, contents in {
        "idx": [make_idx(IMAGES)],
        "idx.gz": [gzip.compress(make_idx(IMAGES))],
        "npz": NPZ_FILES,
        "binary": [make_binary_batch(PLANES, LABELS)],
        "python": BATCHES,
        "image": make_images(),
    }.items():
        for content in contents:
            path = tmp_path / f"file{READERS[kind][0]}"
            path.write_bytes(content)
            assert READ[kind](path)
