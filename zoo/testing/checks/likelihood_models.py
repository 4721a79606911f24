"""Checks of models with a likelihood that a plugin provides: their gradients, training and saving."""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.testing.fresh_process import run_fresh
from zoo.testing.rule import CheckFailure, CheckSkipped, check, require, shorten
from zoo.testing.shapes import GREY, real_images
from zoo.testing.subject import to_numpy, to_tensor

if TYPE_CHECKING:
    from zoo.testing.likelihood_subject import LikelihoodSubject

ALIKE = 1e-4  # Relative; allows for different orders of summation in float32.
EXTREMES = (0.0, 1.0, -1.0, 30.0, -30.0, 1e3, -1e3, 1e5, -1e5)
STEPS = 20
LEAST_FALL = 1e-3  # Relative.


@check("likelihood")
def check_likelihood_gradient_is_finite(subject: LikelihoodSubject) -> None:
    """``log_prob`` and its gradient are finite for parameters as large as 100,000, since a decoder may overshoot."""
    likelihood, count = subject.likelihood, subject.output_channels(1)
    subject.skip_unless_sound()
    random = np.random.default_rng(0)
    raw = random.choice(np.array(EXTREMES, "float32"), (256, count))
    raw[: len(EXTREMES)] = np.array(EXTREMES, "float32")[:, None]
    values = (0.0, 1.0) if likelihood.support == "binary" else (0.0, 1 / 255, 0.5, 1.0)
    for value in values:
        images = np.full((len(raw), 1, 1, 1), value, "float32")
        loss, gradient = _gradient(likelihood, images, raw)
        require(
            bool(np.isfinite(loss).all()),
            f"log_prob of a pixel of {value:.3g} is NaN or infinite for {_show(raw, np.isfinite(loss))}: bound scales, "
            "and use functions such as keras.ops.softplus and log_sigmoid instead of logarithms of probabilities",
        )
        require(
            bool(np.isfinite(gradient).all()),
            f"the gradient of log_prob at a pixel of {value:.3g} is NaN or infinite for "
            f"{_show(raw, np.isfinite(gradient).all(axis=1))}: keras.ops.where does not keep a gradient of infinity "
            "times zero out; bound what goes into exponentials, roots and divisions before",
        )


def _show(raw: np.ndarray, holds: np.ndarray) -> str:
    row = raw[int(np.argmin(holds))]
    return f"the parameters {', '.join(f'{value:g}' for value in row[:6])}{', ...' if len(row) > 6 else ''}"


def _gradient(likelihood: Any, images: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return -log p of each image and what a step of gradient descent changes its parameters by."""
    import keras

    loss = -to_numpy(likelihood.log_prob(images, to_tensor(raw[:, None, None, :])))
    rows = keras.Sequential(
        [
            keras.Input((1,), dtype="int32"),
            keras.layers.Embedding(*raw.shape),
            keras.layers.Reshape((1, 1, raw.shape[1])),
        ]
    )
    rows.set_weights([raw])
    rows.compile(keras.optimizers.SGD(1.0), loss=likelihood, jit_compile=False)
    try:
        rows.train_on_batch(np.arange(len(raw), dtype="int32")[:, None], images)
    except ValueError as error:
        if "No gradients provided" not in str(error):  # Those that are absent are for another check.
            raise
    return loss, rows.get_weights()[0] - raw


@check("likelihood")
def check_likelihood_keeps_its_configuration(subject: LikelihoodSubject) -> None:
    """It can be rebuilt from its configuration stored as JSON."""
    import keras

    subject.skip_unless_sound()
    likelihood, images = subject.likelihood, subject.images(1)
    raw = subject.parameters(images.shape[:3], 1)
    try:
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(likelihood)))
        again = keras.saving.deserialize_keras_object(config)
        kept = to_numpy(again.log_prob(images, to_tensor(raw)))
    except Exception as error:
        raise CheckFailure(
            f"it cannot be rebuilt from its configuration ({shorten(error)}): decorate the class with "
            '@keras.saving.register_keras_serializable("my_package"), and return every argument of __init__ in '
            "get_config, in addition to super().get_config()"
        ) from error
    require(
        type(again) is type(likelihood) and np.array_equal(kept, subject.log_prob(images, raw)),
        "it is rebuilt from its configuration with another log_prob: return every argument of __init__ in get_config",
    )


def _create(subject: LikelihoodSubject) -> Any:
    """Return a small model with the likelihood, by its name."""
    from zoo.factory.create import create_model

    subject.skip_unless_sound()
    return create_model("small_cnn", image_shape=GREY, likelihood=subject.name, seed=0, filters=[4, 8], latent_dim=4)


@check("likelihood")
def check_likelihood_trains_a_model(subject: LikelihoodSubject) -> None:
    """A small model trains with it, in float32 and in bfloat16, is scored, and loads in a new process."""
    import keras

    from zoo.evaluation.scores import evaluate

    images = real_images(GREY, 32)
    if subject.likelihood.support == "binary":
        images = np.where(images > 127, 255, 0).astype("uint8")
    for precision in ("float32", "bfloat16"):
        model = _create(subject)
        model.compile(keras.optimizers.Adam(3e-3), precision=precision)
        try:
            logs = [model.train_on_batch(images, return_dict=True) for _ in range(STEPS)]
            json.dumps(evaluate(model, images[:8], metrics=[]), allow_nan=False)
        except Exception as error:
            raise CheckFailure(f"training and scoring a model in {precision} raised {shorten(error)}") from error
        # The KL divergence falls whatever the likelihood is.
        costs = [float(log["reconstruction_loss"]) for log in logs]
        require(
            bool(np.isfinite(costs).all()) and costs[0] - costs[-1] > LEAST_FALL * max(1.0, abs(costs[0])),
            f"in {STEPS} steps in {precision} -log p(x|z) of a small model went from {costs[0]:.6g} to "
            f"{costs[-1]:.6g} nats per image: expected it to fall: log_prob needs a gradient (none passes through "
            "round, argmax or comparisons), and must be higher for images that are closer to the mean",
        )


@check("likelihood", slow=True)
def check_likelihood_loads_in_a_new_process(subject: LikelihoodSubject) -> None:
    """A model saved with it loads in a new process that knows only the plugin."""
    origin = subject.origin
    if subject.plugin is None and origin is not None and origin.origin.startswith("zoo.register in"):
        raise CheckSkipped("it is registered by a script, which a new process would have to run first")
    images, model = real_images(GREY, 3), _create(subject)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning)
        file, given, results = (Path(folder, name) for name in ("model.keras", "images.npy", "results.npz"))
        model.save(file)
        np.save(given, images)
        run_fresh("loading", plugin=subject.plugin, arguments=[str(path) for path in (file, given, results)])
        with np.load(results) as stored:
            apart = float(np.abs(stored["images"] - model.reconstruct(images)).max())
    require(apart <= ALIKE, f"in a new process the reconstructions differ by {apart:.3g}")
