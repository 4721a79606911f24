"""CelebA, from made files in the layout of its authors."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from zoo.plugins.celeba import data
from zoo.plugins.celeba.data import read_celeba

import zoo
from zoo.errors import DatasetError

COUNTS = (4, 2, 1)
SPLITS = [0, 0, 1, 0, 2, 0, 1]
SMILES = [1, -1, 1, 1, -1, -1, 1]
NAMES = [f"{number:06}.jpg" for number in range(1, 8)]


def make_image(number, size=(178, 218)):
    """Return the bytes of an image: grey in the square that is kept, white around it."""
    pixels = np.full((size[1], size[0], 3), 255, np.uint8)
    pixels[35:183, 15:163] = 30 * number
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")  # Without JPEG's losses.
    return written.getvalue()


def make_folder(folder, *, archive=False, official=False):
    img, evaluation, anno = (folder / name if official else folder for name in ("Img", "Eval", "Anno"))
    for place in (img, evaluation, anno):
        place.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} {part}" for name, part in zip(NAMES, SPLITS, strict=True)]
    (evaluation / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    lines = [f"{name}  -1 {smile:2} -1" for name, smile in zip(NAMES, SMILES, strict=True)]
    (anno / "list_attr_celeba.txt").write_text("\n".join(["7", "Bald Smiling Young", *lines]) + "\n")
    images = {name: make_image(number) for number, name in enumerate(NAMES, start=1)}
    if archive:
        with zipfile.ZipFile(img / "img_align_celeba.zip", "w") as file:
            for name, content in images.items():
                file.writestr(f"img_align_celeba/{name}", content)
    else:
        (img / "img_align_celeba").mkdir()
        for name, content in images.items():
            (img / "img_align_celeba" / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("archive", [False, True])
@pytest.mark.parametrize("official", [False, True])
def test_files_of_the_authors_are_read(tmp_path, monkeypatch, archive, official):
    folder = make_folder(tmp_path, archive=archive, official=official)
    for _ in range(2):
        dataset = read_celeba(folder, COUNTS)
        assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [4, 2, 1]
        assert dataset.train.images.shape == (4, 64, 64, 3)
        # The square is one grey level, so scaling it changes nothing, and no white is left at its edges.
        for split, numbers in ((dataset.train, [1, 2, 4, 6]), (dataset.validation, [3, 7]), (dataset.test, [5])):
            expected = np.broadcast_to(np.array(numbers).reshape(-1, 1, 1, 1) * 30, split.images.shape)
            np.testing.assert_array_equal(split.images, expected)
        assert dataset.train.labels.tolist() == [1, 0, 1, 0]
        monkeypatch.setattr(data, "_read_image", None)  # The second time the array that was kept is mapped into memory.


def test_changed_images_are_read_again(tmp_path):
    folder = make_folder(tmp_path)
    read_celeba(folder, COUNTS)
    (folder / "img_align_celeba" / NAMES[0]).write_bytes(make_image(8) + b"longer")
    assert read_celeba(folder, COUNTS).train.images[0, 0, 0, 0] == 240


def test_damaged_array_is_made_again(tmp_path):
    folder = make_folder(tmp_path)
    read_celeba(folder, COUNTS)
    (kept,) = folder.glob("celeba-64x64-*.npy")
    kept.write_bytes(kept.read_bytes()[:1000])
    assert len(read_celeba(folder, COUNTS).train) == 4
    assert not list(folder.glob(".celeba*"))


def remove(name):
    return lambda folder: (folder / name).unlink()


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove("list_eval_partition.txt"), "list_eval_partition.txt is missing there"),
        (remove("list_attr_celeba.txt"), "list_attr_celeba.txt is missing there"),
        (remove(f"img_align_celeba/{NAMES[2]}"), "000003.jpg is missing, which list_eval_partition.txt lists"),
        (write(f"img_align_celeba/{NAMES[2]}", b"nothing"), "000003.jpg cannot be read: cannot identify image"),
        (write(f"img_align_celeba/{NAMES[2]}", make_image(3, (64, 64))), "it is 64x64: expected 178x218"),
        (write("list_eval_partition.txt", b"000001.jpg 0\n"), r"lists \(1, 0, 0\) images .* expected \(4, 2, 1\)"),
        (write("list_eval_partition.txt", b"../1.jpg 0\n"), "line 1 is '../1.jpg 0': expected an image and 0, 1 or 2"),
        (write("list_eval_partition.txt", b"000001.jpg 3\n"), "line 1 is '000001.jpg 3'"),
        (write("list_attr_celeba.txt", b"7\nBald Young\n"), "does not name the attribute Smiling"),
        (write("list_attr_celeba.txt", b"7\nSmiling\n000001.jpg 1\n"), "000002.jpg is missing"),
        (write("list_attr_celeba.txt", b"7\nSmiling\n000001.jpg 2\n"), "line 3 has 2 columns: expected 2, each 1 or"),
        (write("list_attr_celeba.txt", b"\xff\xfe"), "list_attr_celeba.txt: cannot be read"),
    ],
)
def test_damaged_files_are_refused(tmp_path, damage, message):
    folder = make_folder(tmp_path)
    damage(folder)
    with pytest.raises(DatasetError, match=message):
        read_celeba(folder, COUNTS)
    assert not list(folder.glob("celeba-*.npy"))


def test_name_and_missing_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    assert "celeba" in zoo.list_datasets()
    with pytest.raises(DatasetError, match=r"CelebA cannot be downloaded automatically: get img_align_celeba\.zip"):
        zoo.load_dataset("celeba")
    with pytest.raises(DatasetError, match="CelebA is not in"):
        zoo.load_dataset("celeba", data_dir=tmp_path)
    with pytest.raises(DatasetError, match=r"expected \(162770, 19867, 19962\)"):
        zoo.load_dataset("celeba", data_dir=make_folder(tmp_path / "few"))
