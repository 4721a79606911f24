"""Checks of builders that take labels themselves; to what other builders make, the zoo adds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.testing.rule import CheckSkipped, check, require
from zoo.testing.subject import LABELLED_CLASSES

if TYPE_CHECKING:
    from zoo.autoencoder.model import AutoEncoder
    from zoo.testing.subject import Subject

MEND = (
    "let labels, a tensor of learned vectors (batch, 16) that is None for a model without labels, reach the output, as "
    "by keras.layers.Concatenate()([x, labels])"
)


@check(posteriors=("gaussian",), labels_of="encoder")
def check_labels_reach_posterior(subject: Subject) -> None:
    """An encoder whose builder names ``labels`` returns another posterior of an image for another label."""
    model = _conditional(subject, "encoder")
    images = np.repeat(subject.images()[:1], LABELLED_CLASSES, axis=0)
    found = model.encode(images, labels=np.arange(LABELLED_CLASSES))
    require(
        any(_differ(part) for part in found),
        f"the encoder returns the same mean and standard deviation for all {LABELLED_CLASSES} labels: {MEND}",
    )


@check(posteriors=("gaussian",), labels_of="decoder")
def check_labels_reach_decoder(subject: Subject) -> None:
    """A decoder whose builder names ``labels`` returns another image of z for another label."""
    model = _conditional(subject, "decoder")
    z = np.zeros((LABELLED_CLASSES, *model.latent_shape), "float32")
    found = model.decode(z, labels=np.arange(LABELLED_CLASSES))
    require(_differ(found), f"the decoder returns the same image for all {LABELLED_CLASSES} labels: {MEND}")


def _conditional(subject: Subject, part: str) -> AutoEncoder:
    subject.model  # noqa: B018 - a model that cannot be built is reported elsewhere
    if not subject.names_labels(part):
        raise CheckSkipped(f"build_{part} does not name labels: the zoo adds them to what the {part} takes")
    return subject.train_with_labels.model


def _differ(values: np.ndarray) -> bool:
    return bool(np.abs(values[1:] - values[:1]).reshape(len(values) - 1, -1).max(axis=1).min() > 0)
