"""Settings of a recipe that change how weights are updated: averages, decay, clipping, warm-up, mirrored images."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo.factory.assemble import make_optimizer
from zoo.registry.recipe import Recipe
from zoo.schedules import CosineDecay, LinearDecay

OPTIONS = {"filters": [4], "latent_dim": 2, "precision": "float32", "progress": False, "batch_size": 16}
IMAGES = np.random.default_rng(0).integers(0, 256, (48, 8, 8, 1), "uint8")
DATA = (IMAGES[:32], IMAGES[32:40], IMAGES[40:])


def train(out, **settings):
    return zoo.train("small_cnn", data=DATA, out=out, **{**OPTIONS, **settings})


class Weights(keras.callbacks.Callback):
    """Keeps the weights after each step, and those that are validated."""

    def __init__(self):
        super().__init__()
        self.steps, self.validated = [], []

    def on_train_batch_end(self, batch, logs=None):
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()
        self.steps.append(self.model.decoder.get_weights())

    def on_test_begin(self, logs=None):
        self.validated.append(self.model.decoder.get_weights())


@pytest.mark.parametrize(("share", "epochs"), [(0.8, 2), (0.5, 7)])
def test_averaged_weights_are_validated_and_saved(share, epochs, tmp_path):
    seen = Weights()
    run = train(tmp_path, epochs=epochs, weight_averaging=share, callbacks=[seen])
    averages = seen.steps[0]
    for step, weights in enumerate(seen.steps[1:], 1):
        # They begin anew with each of the first epochs, of two steps.
        if step % 2 == 0 and step * (1 - share) < 5:
            averages = seen.steps[step - 1]
        averages = [share * old + (1 - share) * new for old, new in zip(averages, weights, strict=True)]
    for given, expected, raw in zip(seen.validated[-1], averages, seen.steps[-1], strict=True):
        np.testing.assert_allclose(given, expected, atol=1e-5)
        assert not np.allclose(given, raw, atol=1e-7) or np.ptp(raw) == 0
    best = run.content.best.epoch
    for given, expected in zip(run.model.decoder.get_weights(), seen.validated[best - 1], strict=True):
        np.testing.assert_array_equal(given, expected)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(
            {"weight_averaging": 0.8, "optimizer": "adamax", "learning_rate_warm_up": 3}, marks=pytest.mark.slow
        ),
        {"batch_size": 4, "gradient_clipping": {"times": 1, "window": 10}},  # Half of all steps are scaled down.
    ],
    ids=["averages", "bounds by usual norms"],
)
def test_resumed_exactly(settings, few_pictures, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    whole = train(tmp_path / "whole", epochs=3, **settings)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "parts", epochs=3, callbacks=[Stop()], **settings)
    (folder,) = (tmp_path / "parts").glob("*/*/seed*")
    resumed = zoo.resume(folder, data=DATA, progress=False)
    assert (resumed.path / "history.csv").read_text() == (whole.path / "history.csv").read_text()
    for ours, theirs in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_bounds_by_usual_norms_change_a_run(few_pictures, tmp_path):
    bounds = {"gradient_clipping": {"times": 1, "window": 10}}
    bounded, free = (train(tmp_path / name, epochs=3, batch_size=4, **it) for name, it in (("a", bounds), ("b", {})))
    assert (bounded.path / "history.csv").read_text() != (free.path / "history.csv").read_text()


@pytest.mark.parametrize("name", ["adam", "adamax", "adamw"])
def test_settings_reach_the_optimizer(name):
    recipe = Recipe(optimizer=name, learning_rate=0.01, weight_decay=0.1, gradient_clipping=2.0, weight_averaging=0.9)
    optimizer = make_optimizer(recipe)
    assert type(optimizer).__name__.lower() == name
    assert (optimizer.weight_decay, optimizer.global_clipnorm) == (0.1, 2.0)
    assert (optimizer.use_ema, optimizer.ema_momentum) == (True, 0.9)
    assert float(optimizer.learning_rate) == pytest.approx(0.01)


def test_bounds_by_usual_norms_reach_the_optimizer():
    bounds = {"times": 3, "skipped_above": 20.0, "window": 50}
    recipe = Recipe(optimizer="adamax", weight_averaging=0.9, gradient_clipping=bounds)
    optimizer = make_optimizer(recipe)
    assert type(optimizer).__name__ == "ClippedAdamax"
    assert {name: getattr(optimizer, name) for name in bounds} == bounds
    assert (optimizer.most_skipped, optimizer.use_ema, optimizer.global_clipnorm) == (5, True, None)


def test_clipping_bounds_a_step():
    images = IMAGES[:16]
    moves = []
    for norm in (None, 0.5):
        settings = {} if norm is None else {"gradient_clipping": norm}
        model = zoo.create_model("small_cnn", image_shape=(8, 8, 1), filters=[4], latent_dim=2, seed=0)
        model.compile(make_optimizer(Recipe(optimizer="sgd", learning_rate=1e-4, **settings)))
        before = model.get_weights()
        model.train_on_batch(images)
        apart = [new - old for old, new in zip(before, model.get_weights(), strict=True)]
        # The weights alone, not the counters.
        moves.append(np.sqrt(sum(np.square(part).sum() for part in apart if part.dtype == "float32" and part.ndim)))
    assert moves[0] > 1e-3
    assert moves[1] == pytest.approx(0.5e-4, rel=1e-2)


def test_warm_up_and_cosine():
    linear, cosine = (kind(2.0, 10, 1.0, 4) for kind in (LinearDecay, CosineDecay))
    steps = np.arange(12)
    left = np.clip((10 - steps) / 10, 0, 1)
    rise = np.minimum(1, (steps + 1) / 4)
    for schedule, fall in ((linear, left), (cosine, (1 - np.cos(np.pi * left)) / 2)):
        found = [float(schedule(step)) for step in steps]
        np.testing.assert_allclose(found, 2 * rise * fall, atol=1e-6)
        again = type(schedule).from_config(schedule.get_config())
        assert float(again(1)) == pytest.approx(found[1])
    assert float(LinearDecay(2.0, 10, 0, 4)(9)) == 2.0


def test_flipping_mirrors_about_half_of_the_training_images():
    model = zoo.create_model("small_cnn", image_shape=(8, 8, 1), filters=[4], latent_dim=2, seed=0)
    images = np.tile(IMAGES[:1], (400, 1, 1, 1))
    np.testing.assert_array_equal(model.augment(images), images)
    model.augmentation = "flip"
    found = ops.convert_to_numpy(model.augment(images))
    mirrored = (found == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert 150 < mirrored.sum() < 250
    assert (mirrored | (found == images).all(axis=(1, 2, 3))).all()
    assert found.dtype == images.dtype
    with pytest.raises(ValueError, match=r"augmentation is 'turn': expected one of none, flip"):
        model.augmentation = "turn"


def test_flips_are_for_training_and_are_saved(tmp_path):
    model = zoo.create_model("small_cnn", image_shape=(8, 8, 1), filters=[4], latent_dim=2, seed=0)
    model.compile("adam", augmentation="flip")
    half = np.zeros((64, 8, 8, 1), "uint8")
    half[:, :, :4] = 255
    seen = []
    model.prepare = lambda images, **options: (seen.append(images), type(model).prepare(model, images, **options))[1]
    model.run_eagerly = True
    model.train_on_batch(half)
    model.test_on_batch(half)
    trained, tested = (ops.convert_to_numpy(seen[index]) for index in (0, -1))
    assert 0 < (trained[:, 0, 0, 0] == 0).sum() < 64
    assert (tested == half).all()
    del model.prepare
    model.save(tmp_path / "model.keras")
    assert zoo.load_model(tmp_path / "model.keras").augmentation == "flip"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weight_averaging": 1.0}, "weight_averaging is 1.0: expected a number from 0 and below 1"),
        ({"weight_averaging": -1}, "weight_averaging is -1: expected a finite number at least 0"),
        ({"gradient_clipping": 0}, "gradient_clipping is 0: expected a finite number above 0"),
        ({"gradient_clipping": {"window": 10}}, "or a mapping with times and optionally skipped_above, window and"),
        ({"gradient_clipping": {"times": 0.5}}, "gradient_clipping: times is 0.5: expected a finite number at least 1"),
        ({"gradient_clipping": {"times": 2, "window": 9}}, "window is 9: expected a finite number at least 10"),
        ({"gradient_clipping": {"times": 2, "window": 10.5}}, "window is 10.5: expected a whole number"),
        ({"gradient_clipping": {"times": 3, "skipped_above": 2}}, "skipped_above is 2: expected at least times"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1: expected a finite number at least 0"),
        ({"learning_rate_warm_up": 1.5}, "learning_rate_warm_up is 1.5: expected a whole number of at least 0"),
        ({"learning_rate_shape": "step"}, "learning_rate_shape is 'step': expected one of linear, cosine"),
        ({"augmentation": True}, "augmentation is True: expected one of none, flip"),
    ],
)
def test_invalid_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**settings)


def test_defaults_are_left_out_of_records_and_shown():
    assert "weight_averaging" not in Recipe().to_dict()
    assert Recipe(weight_averaging=0.9).to_dict()["weight_averaging"] == 0.9
    shown = zoo.get_model_info("small_cnn/mnist").recipe
    assert shown["weight_averaging"] == 0
    assert shown["augmentation"] == "none"
    assert Recipe().replace(**Recipe(augmentation="flip").to_dict()) == Recipe(augmentation="flip")
