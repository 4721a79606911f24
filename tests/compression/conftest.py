import numpy as np
import pytest
from support.compressed import SHAPE, make_model

import zoo


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, *SHAPE), dtype=np.uint8)


@pytest.fixture(scope="module")
def content(model, images, tmp_path_factory):
    return zoo.compress(model, images, tmp_path_factory.mktemp("written") / "images").path.read_bytes()
