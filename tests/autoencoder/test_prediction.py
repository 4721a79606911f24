"""Compiled passes over arrays."""

import logging

import keras
import numpy as np
import pytest
from support.small_models import BYTES, make_model


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow warns")
def test_many_models_are_no_reason_to_warn_of_retracing():
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logger = logging.getLogger("tensorflow")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        for _ in range(8):
            make_model().reconstruct(BYTES)
        assert records == []
        # What others log is not dropped, and neither are warnings of calls that are not the zoo's own.
        logger.warning("5 out of the last 5 calls to f triggered tf.function retracing.")
        assert len(records) == 1
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_every_batch_has_its_own_images():
    model = make_model()
    images = np.random.default_rng(0).integers(0, 256, (130, 8, 8, 1), np.uint8)
    np.testing.assert_allclose(model.encode(images)[0][-2:], model.encode(images[-2:])[0], rtol=1e-5, atol=1e-6)
