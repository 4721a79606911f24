import io

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.errors import RunError
from zoo.training import resume
from zoo.training.callbacks import tensorboard

SETTINGS = {"kl_weight": {"warm_up_steps": 12}, "learning_rate": 0.002, "learning_rate_decay": 0, "progress": False}
pytestmark = pytest.mark.usefixtures("few_pictures")


def read_events(folder):
    """Return ``{tag: {step: value}}``; pictures as arrays."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from tensorboard.util.tensor_util import make_ndarray

    events = accumulator.EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    found = {}
    for tag in events.Tags()["tensors"]:
        values = {event.step: make_ndarray(event.tensor_proto) for event in events.Tensors(tag)}
        found[tag] = {step: read_value(value) for step, value in values.items()}
    return found


def read_value(value):
    if value.shape == ():
        return float(value)
    with Image.open(io.BytesIO(value[2])) as picture:  # After width and height.
        return np.asarray(picture)


@pytest.mark.slow
def test_event_files(tiny, tmp_path, interrupted):
    pytest.importorskip("tensorboard")
    with interrupted(), pytest.raises(KeyboardInterrupt):
        zoo.train("tiny_cnn/tiny", epochs=2, out=tmp_path, tensorboard=True, **SETTINGS)
    (record,) = tmp_path.glob("*/*/*/run.json")
    run = resume(record.parent, progress=False)  # It goes on with the event files, unasked.
    train, validation = (read_events(run.path / "tensorboard" / part) for part in ("train", "validation"))
    terms = {"loss", "reconstruction_loss", "kl_loss", "negative_elbo", "kl_weight"}
    assert set(train) == terms | {"learning_rate"}
    assert set(validation) == terms | {"originals over reconstructions"}
    assert all(set(values) == {1, 2} for values in (train | validation).values())
    assert train["kl_weight"] == pytest.approx({1: 0.5, 2: 1.0})
    assert validation["kl_weight"] == {1: 1.0, 2: 1.0}
    assert train["learning_rate"] == pytest.approx({1: 0.002, 2: 0.002})
    for row in (run.path / "history.csv").read_text().splitlines()[1:]:
        assert float(row.split(",")[-1]) == pytest.approx(validation["reconstruction_loss"][int(row[0])], rel=1e-6)
    picture, images = validation["originals over reconstructions"][2], zoo.load_dataset("tiny").validation.images[:10]
    assert picture.shape[:2] == (2 * 28, 10 * 28)
    shown = picture if picture.ndim == 2 else picture[..., 0]
    np.testing.assert_array_equal(shown[:28], np.concatenate(list(images[..., 0]), axis=1))
    assert {"tensorboard/train", "tensorboard/validation"} <= {
        line.split("  ")[1].rpartition("/")[0] for line in (run.path / "SHA256SUMS").read_text().splitlines()
    }
    assert run.doubts() == []
    event_file = next((run.path / "tensorboard" / "train").iterdir())
    event_file.write_bytes(b"")
    assert run.doubts() == [f"{event_file} is not the file that the run wrote (SHA256SUMS)"]


@pytest.mark.slow
def test_longer_runs_take_the_event_files_along(tiny, tmp_path):
    pytest.importorskip("tensorboard")
    run = zoo.train("tiny_cnn/tiny", epochs=1, out=tmp_path, tensorboard=True, **SETTINGS)
    longer = resume(run, epochs=2, progress=False)
    assert set(read_events(longer.path / "tensorboard" / "train")["loss"]) == {1, 2}


def test_images_with_other_channels(tmp_path):
    pytest.importorskip("tensorboard")
    model = zoo.create_model("small_cnn", image_shape=(8, 8, 2), filters=[2], latent_dim=2, seed=0)
    shown = zoo.Split(np.zeros((3, 8, 8, 2), "uint8"), np.zeros(3, "int64"), "made", "validation")
    writer = tensorboard.WriteEvents(tmp_path, shown)
    writer.set_model(model)
    writer.on_train_begin()
    writer.on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0})
    writer.close()
    assert read_events(tmp_path / "validation")["originals over reconstructions"][1].shape[:2] == (16, 24)
    assert read_events(tmp_path / "validation")["loss"] == {1: 2.0}


@pytest.mark.parametrize("package", ["tensorboard", "tensorflow"])
def test_an_absent_package_is_said_before_anything_starts(tiny, tmp_path, monkeypatch, package):
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None if name == package else object())
    with pytest.raises(RunError, match=rf"need the package {package}, which is not installed: pip install"):
        zoo.train("tiny_cnn/tiny", out=tmp_path / "runs", tensorboard=True, **SETTINGS)
    assert not (tmp_path / "runs").exists()
