"""Loaders of other libraries are taken by ``fit``, ``evaluate`` and ``predict`` as they are."""

import keras
import numpy as np
import pytest
from support.image_streams import BYTES, LABELS, make_model

pytestmark = pytest.mark.slow  # They take long to import.


def torch_loader(images):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.from_numpy(images), torch.from_numpy(LABELS))
    return torch.utils.data.DataLoader(data, batch_size=2)


def grain_map(images):
    grain = pytest.importorskip("grain")
    return grain.MapDataset.source(images).batch(2)


def grain_iterator(images):
    grain = pytest.importorskip("grain")
    return grain.MapDataset.source(images).to_iter_dataset().batch(2)


def grain_loader(images):
    grain = pytest.importorskip("grain")
    sampler = grain.samplers.IndexSampler(len(images), shard_options=grain.sharding.NoSharding(), num_epochs=1)
    return grain.DataLoader(data_source=images, sampler=sampler, operations=[grain.transforms.Batch(2)])


@pytest.mark.parametrize("make", [torch_loader, grain_map, grain_iterator, grain_loader])
def test_a_loader_is_taken(make):
    model = make_model()
    expected = model.predict(BYTES, verbose=0)
    np.testing.assert_allclose(model.predict(make(BYTES), verbose=0), expected, atol=1e-6)
    batches = []
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: batches.append(batch))
    given = {"validation_data": make(BYTES), "epochs": 2, "callbacks": [count], "verbose": 0}
    history = model.fit(make(BYTES), **given).history
    assert batches == [0, 1, 2] * 2
    assert np.isfinite(history["loss"] + history["val_loss"]).all()
    assert np.isfinite(model.evaluate(make(BYTES), verbose=0)).all()
    with pytest.raises(ValueError, match=r"got float32 from 1.5 to 255.5; expected uint8 in 0..255 or float"):
        make_model().fit(make(BYTES.astype("float32") + 0.5), verbose=0)
