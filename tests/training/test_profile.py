"""Where the time of a step goes."""

import json

import keras
import pytest
from click.testing import CliRunner

import zoo
from zoo.cli import main
from zoo.errors import RunError
from zoo.training.profile import PARTS

pytestmark = pytest.mark.usefixtures("few_pictures")
on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the profiler is TensorFlow's")


@on_tensorflow
def test_profile_of_a_run(tiny, tmp_path):
    run = zoo.train("tiny_cnn/tiny", epochs=1, out=tmp_path, profile=True, progress=False, batch_size=8)
    profile = json.loads((run.path / "profile.json").read_text())
    assert set(profile["parts"]) == set(PARTS)
    assert 0 < profile["steps"] <= 20
    assert 0 < profile["seconds"] < run.cost["train_seconds"]
    for part in ("encoder", "decoder", "loss", "optimizer"):
        assert profile["parts"][part] > 0
    assert sum(profile["parts"].values()) > 10 * profile["parts"]["other"]
    # Every layer that computes something, under the name that it has in the model.
    model = run.model
    for part in ("encoder", "decoder"):
        found = {name.partition("/")[2] for name in profile["layers"] if name.startswith(f"{part}/")}
        network = getattr(model, part)
        assert {layer.name for layer in network.layers if layer.weights} <= found <= {it.name for it in network.layers}
        total = sum(value for name, value in profile["layers"].items() if name.startswith(f"{part}/"))
        assert total <= profile["parts"][part] * 1.001
    (trace,) = run.path.glob("tensorboard/plugins/profile/*/*.xplane.pb")
    assert trace.stat().st_size > 1000
    assert run.doubts() == []


@pytest.mark.slow
@on_tensorflow
def test_command_prints_it(tiny, tmp_path):
    done = CliRunner().invoke(main, ["train", "tiny_cnn/tiny", "--epochs", "1", "--profile", "--out", str(tmp_path)])
    assert done.exit_code == 0
    assert "one step takes" in done.stdout
    shares = [line.split() for line in done.stdout.splitlines() if line.endswith("%")]
    assert [words[0] for words in shares[: len(PARTS)]] == list(PARTS)
    assert sum(float(words[-1].rstrip("%")) for words in shares[: len(PARTS)]) == pytest.approx(100, abs=0.5)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="of other backends")
def test_other_backends_have_none(tiny, tmp_path):
    with pytest.raises(RunError, match="a profile needs TensorFlow"):
        zoo.train("tiny_cnn/tiny", out=tmp_path, profile=True)
