"""Files from elsewhere give their images or one sentence: no crash and no wrong picture, in bounded time."""

import hashlib
import json
import os
import struct
import time

import numpy as np
import pytest
from support.compressed import make_model

import zoo
from zoo.compression.container import MAGIC
from zoo.errors import CompressionError

pytest.importorskip("constriction")
START = len(MAGIC) + 4


def split(content):
    (length,) = struct.unpack("<I", content[len(MAGIC) : START])
    return json.loads(content[START : START + length]), content[START + length : -32]


def join(header, words):
    """A file with the right checksum, whatever is in it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    inside = MAGIC + struct.pack("<I", len(text)) + text + words
    return inside + hashlib.sha256(inside).digest()


@pytest.fixture
def refusal(model, tmp_path):
    def refuse(content):
        path = tmp_path / "file"
        path.write_bytes(content)
        start = time.monotonic()
        with pytest.raises(CompressionError) as caught:
            zoo.decompress(path, model)
        assert time.monotonic() - start < 20
        message = str(caught.value)
        assert message.startswith(str(path))
        assert "\n" not in message
        return message[len(str(path)) :]

    return refuse


def test_what_is_in_a_file(content, images):
    header, words = split(content)
    assert header["images"] == 5
    assert header["sha256"] == hashlib.sha256(images.tobytes()).hexdigest()
    assert len(words) % 4 == 0
    assert join(json.dumps(header, separators=(",", ":")).encode(), words) == content


@pytest.mark.parametrize("kept", [0, 4, len(MAGIC), START, START + 10, -33, -1])
def test_cut_short(content, kept, refusal):
    assert refusal(content[:kept]).startswith((" is damaged: its checksum", " has not been written by zoo compress"))


def test_one_bit_anywhere(content, refusal):
    random = np.random.default_rng(0)
    for _ in range(50):
        place, bit = random.integers(len(MAGIC), len(content)), random.integers(8)
        changed = bytearray(content)
        changed[place] ^= 1 << int(bit)
        assert "its checksum does not match" in refusal(bytes(changed))


def test_another_kind_of_file(refusal):
    assert refusal(b"\x89PNG\r\n\x1a\n" + bytes(200)) == " has not been written by zoo compress"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "has format 2: a newer version of the zoo reads it"),
        ({"format": True}, "format"),
        ({"images": 0}, "images is 0: expected a whole number of at least 1"),
        ({"images": -3}, "images is -3"),
        ({"images": 10**9}, "images 1000000000, which is not possible"),
        ({"batch": 10**9}, "batch 1000000000, which is not possible"),
        ({"batch": 0}, "batch is 0"),
        ({"latent_bits": 30}, "latent_bits 30"),
        ({"initial_words": 10**6}, "initial_words 1000000"),
        ({"image_shape": [8, 8]}, "image_shape is [8, 8]"),
        ({"image_shape": [0, 8, 1]}, "image_shape[0] is 0"),
        ({"weights": "12"}, "weights '12', which is not possible"),
        ({"sha256": None}, "sha256 is None"),
        ({"written_with": []}, "written_with is []"),
        ({"written_with": {"zoo": 1}}, "written_with.zoo is 1"),
        ({"model": "x" * 20_000}, "model has 20,000 characters"),
    ],
    ids=str,
)
def test_headers_that_lie(content, changes, said, refusal):
    header, words = split(content)
    assert said in refusal(join(header | changes, words))


@pytest.mark.parametrize("header", [b"", b"[]", b"{", b'{"format": NaN}', b"\xff", b"[" * 5000, b"{}"])
def test_headers_that_are_none(content, header, refusal):
    assert " is damaged: its header" in refusal(join(header, split(content)[1]))


def test_words_that_are_none(content, refusal):
    header, words = split(content)
    assert "the sizes that it states" in refusal(join(header, words[:-1]))
    assert "is damaged" in refusal(join(header | {"initial_words": 0}, b""))
    assert "its last word is zero" in refusal(join(header, words + bytes(4)))
    inside = MAGIC + struct.pack("<I", 2**32 - 1) + bytes(10)
    assert "the sizes that it states" in refusal(inside + hashlib.sha256(inside).digest())


@pytest.mark.parametrize(
    "change", [{"images": 4}, {"images": 6}, {"batch": 1}, {"latent_bits": 11}, {"sha256": "0" * 64}]
)
def test_what_would_be_other_images_is_an_error(content, change, refusal):
    header, words = split(content)
    assert "its images do not come back" in refusal(join(header | change, words))


def test_more_images_than_memory(content, refusal, monkeypatch):
    monkeypatch.setattr("zoo.data.memory.SMALL", 100)
    monkeypatch.setattr("zoo.data.memory.free_memory", lambda: 200)
    assert "its 5 images need" in refusal(content)


def test_differences_of_machines_are_named(content, refusal):
    header, words = split(content)
    header["written_with"] |= {"tensorflow": "1.0", "processors": "1024"}
    said = refusal(join(header | {"sha256": "0" * 64}, words))
    assert "tensorflow 1.0 there and" in said
    assert "processors 1024 there and" in said


def test_another_model(content, images, tmp_path):
    (tmp_path / "file").write_bytes(content)
    for other in (make_model(seed=1), make_model(likelihood="discretized_gaussian")):
        with pytest.raises(
            CompressionError, match=r"was written with .*SHA-256 \w{12}.*, and the model given is .*SHA-256"
        ):
            zoo.decompress(tmp_path / "file", other)


def test_no_regular_file(model, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CompressionError, match="it is a pipe: expected a regular file"):
        zoo.decompress(tmp_path / "pipe", model)
    with pytest.raises(FileNotFoundError):
        zoo.decompress(tmp_path / "nothing", model)


def mutate(content, random):
    """Damage a file; in most cases its checksum is made right again."""
    kind = random.integers(4)
    if kind == 0:
        return bytes(_damage(bytearray(content), random))
    header, words = split(content)
    if kind == 1:
        return join(header, bytes(_damage(bytearray(words), random)))
    if kind == 2:
        return join(bytes(_damage(bytearray(json.dumps(header).encode()), random)), words)
    values = [0, 1, -1, 2**31, 2**63 - 1, 1.5, "", "x" * 64, None, [], {}, True, int(random.integers(1, 60))]
    header[str(random.choice([*header]))] = values[random.integers(len(values))]
    return join(header, words)


def _damage(content, random):
    for _ in range(random.integers(1, 4)):
        place = int(random.integers(len(content) + 1))
        match random.integers(4):
            case 0:
                content[place : place + 1] = random.bytes(1)
            case 1:
                del content[place : place + int(random.integers(1, 40))]
            case 2:
                content[place:place] = random.bytes(int(random.integers(1, 40)))
            case 3:
                content[place : place + 8] = content[: int(random.integers(1, 9))]
    return content


def fuzz(model, images, content, path, count, seed):
    """Restore damaged files; return how many were refused."""
    random, refused = np.random.default_rng(seed), list[str]()
    for _ in range(count):
        path.write_bytes(mutate(content, random))
        start = time.monotonic()
        try:
            found = zoo.decompress(path, model)
        except CompressionError as error:
            refused.append(str(error))
        else:
            np.testing.assert_array_equal(found, images)
        assert time.monotonic() - start < 20
    assert not any("\n" in said for said in refused)
    return len(refused)


def test_damaged_in_many_ways(model, images, content, tmp_path):
    assert fuzz(model, images, content, tmp_path / "file", 60, seed=0) > 30


@pytest.mark.slow
def test_damaged_in_twenty_thousand_ways(model, images, content, tmp_path):
    assert fuzz(model, images, content, tmp_path / "file", 20_000, seed=1) > 10_000
