"""Loaders of other libraries are taken by ``fit``, ``evaluate`` and ``predict`` as they are."""

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
    before = float(model.kl_step)
    history = model.fit(make(BYTES), validation_data=make(BYTES), epochs=2, verbose=0).history
    assert float(model.kl_step) == before + 6
    assert np.isfinite(history["loss"] + history["val_loss"]).all()
    assert np.isfinite(model.evaluate(make(BYTES), verbose=0)).all()
    with pytest.raises(ValueError, match=r"got float32 from 1.5 to 2\d\d; expected uint8 in 0..255 or float"):
        make_model().fit(make(BYTES.astype("float32") + 0.5), verbose=0)
