"""Conditional models: how a label reaches a builder's encoder and decoder, whether it names ``labels`` or not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
from keras import layers

from zoo.autoencoder.kinds.conditional import ConditionalAutoEncoder
from zoo.autoencoder.model import AutoEncoder
from zoo.autoencoder.precision import training_policy
from zoo.factory.parts import build_part
from zoo.factory.resolve import LABELS, Resolved
from zoo.registry.presets import Preset

LABEL_SIZE = 16  # Of the learned vector that stands for a label.


def build_conditional_part(
    resolved: Resolved, part: str, shapes: tuple[Any, Any], config: Mapping[str, Any], classes: int
) -> keras.Model:
    """Build and check a part that takes labels too.

    A label is looked up in a table of vectors, which are learned. A builder with a parameter ``labels`` is given the
    vectors as a tensor, ``(batch, 16)``, and returns a model of images, or z, and this tensor. For any other, the zoo
    makes them part of what it takes: the builder is called for images, or maps of latents, with one more channel, which
    is a linear function of the vector at each position, or for a flat latent that is longer by the vector.

    Args:
        resolved: the architecture that the part belongs to.
        part: ``encoder`` or ``decoder``.
        shapes: the shapes of the input and of the output.
        config: as for ``build_part``.
        classes: the number of classes.

    Returns:
        A model of ``[images, labels]`` or ``[z, labels]``, labels being whole numbers, ``(batch,)``.

    Raises:
        ArchitectureError: as for ``build_part``.
    """
    given, result = shapes
    taken = keras.Input(given, name="images" if part == "encoder" else "z")
    numbers = keras.Input((), dtype="int32", name=LABELS)
    builder = resolved.encoder if part == "encoder" else resolved.decoder
    with training_policy():
        # As far apart as latents are, so that labels count from the start.
        table = layers.Embedding(classes, LABEL_SIZE, keras.initializers.RandomNormal(stddev=1.0), name="label_vectors")
        vectors = table(numbers)
        if builder.takes_labels:
            inputs: Any = [taken, vectors]
            own = keras.Input((LABEL_SIZE,), name="label_vector")
            model = build_part(resolved, part, shapes, config, labels=own)
        else:
            inputs = _join(taken, vectors)
            model = build_part(resolved, part, (tuple(inputs.shape[1:]), result), config)
        return keras.Model([taken, numbers], model(inputs), name=f"conditional_{part}")


def build(
    resolved: Resolved, part: str, shapes: tuple[Any, Any], config: Mapping[str, Any], classes: int | None
) -> keras.Model:
    """Build and check one part, with labels of that many classes or, for None, without."""
    if classes is None:
        return build_part(resolved, part, shapes, config)
    return build_conditional_part(resolved, part, shapes, config, classes)


def _join(taken: Any, vectors: Any) -> Any:
    """Return images or latents with the labels' vectors: behind flat ones, or as one more channel of maps."""
    *sizes, _ = taken.shape[1:]
    if sizes:
        values = layers.Dense(math.prod(sizes), name="label_map")(vectors)
        vectors = layers.Reshape((*sizes, 1), name="label_channel")(values)
    return layers.Concatenate(name="with_labels")([taken, vectors])


def model_class_for(resolved: Resolved, classes: int | None) -> type[AutoEncoder]:
    """Return the class of an architecture's models, with labels of that many classes or, for None, without.

    Raises:
        ValueError: with labels, for an architecture with a class of its own.
    """
    if classes is None:
        return resolved.model_class
    if resolved.model_class is not AutoEncoder:
        raise ValueError(
            f"conditional is true, and {resolved.architecture.name} makes a {resolved.model_class.__name__}, which "
            "takes no labels: expected an architecture with the usual Gaussian latent, such as small_cnn"
        )
    return ConditionalAutoEncoder


def count_classes(preset: Preset) -> int | None:
    """Return the number of classes of a preset's images if its models are conditional, otherwise None.

    Raises:
        ValueError: the images have fewer than two classes, or none that are known before they are loaded.
    """
    if not preset.recipe.conditional:
        return None
    count = len(preset.dataset.classes)
    if count < 2:
        raise ValueError(
            f"conditional is true, and {preset.dataset.name} has fewer than two classes ({count}): expected a dataset "
            "whose images have labels, such as a zoo.Dataset with classes"
        )
    return count
