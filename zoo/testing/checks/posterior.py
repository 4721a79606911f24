"""Checks of what the encoder outputs: the posterior of z."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.testing.rule import CheckSkipped, check, require
from zoo.testing.subject import to_numpy, to_tensor

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

HEAD = "end the encoder with zoo.layers.GaussianHead(latent_shape)"
ALIKE = 1e-3  # Relative; allows for different orders of summation in float32.


def encode(subject: Subject, images: np.ndarray, *, training: bool = False) -> list[np.ndarray]:
    """Return the posterior's mean and deviation for images of any type, after a few training steps.

    Of a hierarchical one these are along the path of the means.
    """
    encoded = subject.example.posterior_parameters(to_tensor(np.asarray(images, "float32")), training=training)
    return [to_numpy(part) for part in encoded]


def _images(subject: Subject) -> np.ndarray:
    return subject.images().astype("float32") / 255


@check()
def check_posterior_is_finite(subject: Subject) -> None:
    """The encoder's output is finite for real images, for all-black and all-white ones, and for noise."""
    noise = np.random.default_rng(0).random((8, *subject.shape), "float32")
    extremes = np.stack([np.zeros(subject.shape, "float32"), np.ones(subject.shape, "float32")])
    for kind, images in (("real images", _images(subject)), ("black and white", extremes), ("noise", noise)):
        for name, part in zip(("mean", "std"), encode(subject, images), strict=False):
            broken = int((~np.isfinite(part)).sum())
            require(
                not broken,
                f"{name} has {broken} of {part.size} values that are NaN or infinite, for {kind}: look for divisions "
                "by the standard deviation of a batch or an image, and for unbounded logarithms and exponentials; "
                f"{HEAD}, which bounds the variance",
            )


@check(posteriors=("gaussian", "hierarchical"))
def check_std_is_positive(subject: Subject) -> None:
    """The standard deviation is above zero."""
    _, std = encode(subject, _images(subject))
    if not np.isfinite(std).all():
        raise CheckSkipped("the standard deviation is not finite: see check_posterior_is_finite")
    require(
        bool((std > 0).all()),
        f"the standard deviation goes down to {std.min():.3g}: expected values above 0; the logarithm of the variance "
        f"is not a standard deviation: {HEAD}, or output exp(log_variance / 2)",
    )


@check()
def check_posterior_differs_between_images(subject: Subject) -> None:
    """Different images have different posteriors."""
    # In training mode too: after a few steps, moving averages may still hide the differences in a deep network.
    modes = [encode(subject, _images(subject), training=training)[0] for training in (False, True)]
    require(
        any(float(np.ptp(mode, axis=0).max()) > 1e-6 * max(1.0, float(np.abs(mode).max())) for mode in modes),
        "the posterior is the same for all images: let the images reach the last layer of the encoder",
    )


@check()
def check_images_do_not_depend_on_their_batch(subject: Subject) -> None:
    """In inference, an image has the same posterior and reconstruction alone and among 6 others."""
    images = subject.images()[:7]
    model = subject.example
    pairs = {
        "posterior": (encode(subject, images[:1] / 255.0), encode(subject, images / 255.0)),
        "reconstruction": ([model.reconstruct(images[:1])], [model.reconstruct(images)]),
    }
    for name, (alone, together) in pairs.items():
        for single, batch in zip(alone, together, strict=True):
            apart = float(np.abs(single[0] - batch[0]).max())
            require(
                apart <= ALIKE * max(1.0, float(np.abs(batch[0]).max())),
                f"the {name} of an image differs by {apart:.3g} between a batch of 1 and one of 7: normalise by moving "
                "averages in inference (keras.layers.BatchNormalization does; pass training= on in your own layers), "
                "never by the batch",
            )


@check()
def check_inference_is_deterministic(subject: Subject) -> None:
    """The same image has the same posterior and reconstruction in two calls: only z is random, and the zoo draws it."""
    images = subject.images()[:5]
    model = subject.example
    same = all(
        np.array_equal(one, two)
        for one, two in zip(encode(subject, images / 255.0), encode(subject, images / 255.0), strict=True)
    ) and np.array_equal(model.reconstruct(images), model.reconstruct(images))
    require(
        same,
        "two calls with the same images differ: draw no random numbers in encoder or decoder outside training (Keras' "
        "Dropout and noise layers do not; in your own layers, check training=); if the encoder draws z, return its "
        "mean and standard deviation instead, and the zoo draws z",
    )
