"""Checks that a model learns, and does so consistently in every way that Keras can train it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.testing.rule import CheckFailure, CheckSkipped, check, require, shorten
from zoo.testing.subject import STEPS

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

# Fraction of itself that the loss must fall to. A deep network first learns the mean image, and stays there for a
# while: for photographs of 64 x 64 that is 1.5 % lower.
FALL = 0.99
NO_SEED = "do not seed initializers or call set_random_seed in a builder"
ALIKE = 1e-5  # Relative; three steps in float32 with different orders of summation differ by some 1e-7.


@check()
def check_training_step_runs(subject: Subject) -> None:
    """A model runs compiled training steps."""
    subject.model  # noqa: B018 - skips the check if the model cannot be built
    with explained("a compiled training step"):
        subject.train_model  # noqa: B018 - the check that reports what it raises


@check()
def check_gradient_reaches_every_weight(subject: Subject) -> None:
    """Every trainable weight of encoder and decoder has a nonzero gradient."""
    still = subject.trained.still
    require(
        not still,
        f"{len(still)} trainable weights have no gradient: {', '.join(still[:5])}{', ...' if len(still) > 5 else ''}: "
        "connect their layers to the output, remove what stops gradients (round, argmax, casts to integers, "
        "stop_gradient), or set trainable=False",
    )


@check()
def check_loss_falls(subject: Subject) -> None:
    """The loss falls on a few real images in a few steps, and stays finite."""
    losses = subject.training.losses
    end = float(np.mean(losses[-3:]))
    broken = next((step for step, loss in enumerate(losses) if not np.isfinite(loss)), None)
    require(
        broken is None,
        f"the loss is {losses[broken or 0]} at step {1 + (broken or 0)}: if check_std_is_positive or "
        "check_posterior_is_finite fails too, fix that first; else look for logarithms, roots and divisions whose "
        "gradient is infinite",
    )
    require(
        end < FALL * losses[0],
        f"the loss went from {losses[0]:.1f} to {end:.1f} nats per image in {STEPS} steps on {len(subject.images())} "
        "images: look for layers that saturate, badly scaled initial weights, or a decoder that does not use z",
    )


@check()
def check_seed_decides_weights(subject: Subject) -> None:
    """The same seed leads to the same weights, a different seed to different ones."""
    first = subject.model.get_weights()
    again, other = (subject.create(seed=seed).get_weights() for seed in (0, 1))
    require(
        all(np.array_equal(one, two) for one, two in zip(first, again, strict=True)),
        "two models with seed 0 start with different weights: initialise weights with Keras' initializers, not with "
        "NumPy or Python in the builders",
    )
    same = [np.array_equal(one, two) for one, two in zip(first, other, strict=True)]
    require(not all(same), f"models with seeds 0 and 1 start with the same weights: {NO_SEED}")
    fixed = [
        weight.path
        for weight, value, is_same in zip(subject.model.weights, first, same, strict=True)
        if is_same and weight.trainable and np.ptp(value) > 0
    ]
    require(not fixed, f"models with seeds 0 and 1 start with the same {', '.join(fixed[:5])}: {NO_SEED}")


@check(slow=True)
def check_compiled_and_eager_steps_agree(subject: Subject) -> None:
    """Three training steps have the same losses whether compiled or run eagerly."""
    compiled, eager = (_losses(subject, run_eagerly=flag) for flag in (False, True))
    require(
        bool(np.allclose(compiled, eager, rtol=ALIKE, equal_nan=True)),
        f"with the same seed, three steps have the losses {_show(compiled)} compiled but {_show(eager)} eagerly: "
        "in call, use keras.ops and weights; random numbers from Python or NumPy, counters and attributes are read "
        "only once, when a step is compiled",
    )


@check(slow=True)
def check_tf_data_is_taken(subject: Subject) -> None:
    """A ``tf.data`` stream of images and labels trains the model, even if its last batch is shorter."""
    import keras

    if keras.backend.backend() != "tensorflow":
        raise CheckSkipped("Keras does not run on TensorFlow here")
    import tensorflow as tf

    images = subject.images()[:7]
    model = subject.create_trainable()
    stream = tf.data.Dataset.from_tensor_slices((images, np.arange(7))).batch(4)
    with explained("a tf.data stream of batches of 4 and 3 images"):
        loss = model.fit(stream, verbose=0).history["loss"][0]
    require(bool(np.isfinite(loss)), f"the loss on a tf.data stream is {loss}: expected a finite number")


@check(slow=True)
def check_bfloat16_step(subject: Subject) -> None:
    """Built under the policy mixed_bfloat16, the model trains with finite losses and its latent is float32."""
    _check_policy(subject, "mixed_bfloat16")


@check(slow=True)
def check_float16_step(subject: Subject) -> None:
    """Built under the policy mixed_float16, the model does the same."""
    _check_policy(subject, "mixed_float16")


def _check_policy(subject: Subject, policy: str) -> None:
    import keras

    images = subject.images()[:8]
    subject.trained  # noqa: B018 - skips the check if the model cannot be trained at all
    with _policy(policy), explained(f"building and training under {policy}"):
        model = subject.build()
        # Features of a hierarchical model may be of any type: the groups' posteriors are float32 in any case.
        outputs = (
            []
            if subject.posterior == "hierarchical"
            else keras.tree.flatten(model.encoder(images.astype("float32") / 255, training=False))
        )
        losses = [float(model.train_on_batch(images, return_dict=True)["loss"]) for _ in range(2)]
    types = sorted({keras.backend.standardize_dtype(output.dtype) for output in outputs} - {"float32"})
    require(
        not types,
        f"under {policy} the encoder outputs {', '.join(types)}: expected float32: end it with "
        'zoo.layers.GaussianHead(latent_shape), or set dtype="float32" in its last layers',
    )
    require(
        bool(np.isfinite(losses).all()),
        f"under {policy} two steps have the losses {_show(losses)}: expected finite numbers: compute exponentials, "
        'logarithms, sums over many values and divisions in layers of dtype="float32"',
    )


def _losses(subject: Subject, *, run_eagerly: bool) -> list[float]:
    import keras

    model = subject.create_trainable()
    # Start from the same weights, whatever the seed does: another check covers that.
    model.set_weights(subject.model.get_weights())
    images = subject.images()[:8]
    model.compile(keras.optimizers.SGD(1e-5), precision="float32", run_eagerly=run_eagerly)
    with _other_random_numbers(int(run_eagerly)), explained(f"a training step with run_eagerly={run_eagerly}"):
        return [float(model.train_on_batch(images, return_dict=True)["loss"]) for _ in range(3)]


@contextlib.contextmanager
def _other_random_numbers(seed: int) -> Iterator[None]:
    """Seed Keras with 0, and Python and NumPy with ``seed``; restore the states of the latter two afterwards."""
    import keras

    before = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(0)
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])


@contextlib.contextmanager
def _policy(name: str) -> Iterator[None]:
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn an error of the architecture into a failure of the check."""
    try:
        yield
    except Exception as error:
        raise CheckFailure(
            f"{what} raised {shorten(error)}; use keras.layers and keras.ops, which work there"
        ) from error


def _show(values: Any) -> str:
    return ", ".join(f"{value:.6g}" for value in values)
