"""Models to explore, and what a page of theirs holds."""

import base64
import json
import re

import numpy as np

import zoo


def make_model(shape=(8, 8, 1), **options):
    return zoo.create_model("small_cnn", image_shape=shape, filters=[4], seed=0, **{"latent_dim": 3, **options})


def make_split(count=50, shape=(8, 8, 1), classes=3, part="test"):
    random = np.random.default_rng(0)
    return zoo.Split(random.integers(0, 256, (count, *shape), "uint8"), np.arange(count) % classes, "digits", part)


def read(text, name):
    (found,) = re.findall(rf'<script type="[a-z/]+" id="{name}">(.*?)</script>', text, re.DOTALL)
    return found


def content_of(path):
    return json.loads(read(path.read_text(encoding="utf-8"), "content"))


def array_of(text, where):
    blob = base64.b64decode(read(text, "blob"))
    dtype = {2: "<f2", 4: "<f4"}[where["bytes"]]
    count = int(np.prod(where["shape"]))
    return np.frombuffer(blob, dtype, count, where["start"]).reshape(where["shape"]).astype("float32")
