"""Models of p(x|y): encoder and decoder also take a label of each image."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.autoencoder.checks.labels import Labelled, check_labelled, check_labels
from zoo.autoencoder.checks.parts import check_conditional_pair
from zoo.autoencoder.internals import build_state
from zoo.autoencoder.model import AutoEncoder
from zoo.typing import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class ConditionalAutoEncoder(AutoEncoder):
    """A variational autoencoder of images given their labels y (Sohn et al. 2015, with the prior N(0, I) for all y).

    The objective is that of ``AutoEncoder`` with p(x|z, y) and q(z|x, y), an upper bound on -log p(x|y). Wherever
    images are taken, labels come with them: ``(images, labels)``, a ``zoo.Split``, or a stream of such batches; methods
    on arrays take ``labels=`` too. ``elbo_terms``, ``log_weights``, ``train_step`` and a call of the model take the
    pair.

    Args:
        encoder: as for ``AutoEncoder``, but with two inputs: images, and labels, ``(batch,)`` whole numbers.
        decoder: likewise: z and labels.
        *args: further arguments of ``AutoEncoder``.
        classes: the number of classes; labels are 0 to ``classes - 1``.
        **kwargs: further keyword arguments of ``AutoEncoder``.

    Raises:
        ValueError: as for ``AutoEncoder``; a part has no labels for an input, or there are fewer than two classes.
    """

    takes_labels = True
    classes: int

    def __init__(self, encoder: keras.Model, decoder: keras.Model, *args: Any, classes: int, **kwargs: Any) -> None:
        super().__init__(encoder, decoder, *args, **kwargs)
        if not isinstance(classes, int | np.integer) or isinstance(classes, bool) or classes < 2:
            raise ValueError(f"classes is {classes!r}: expected a whole number of at least 2")
        self.classes = int(classes)

    def check_parts(self, encoder: Any, decoder: Any) -> tuple[tuple[int, int, int], tuple[int, ...]]:
        """Return the shapes of an image and of its latent; ``ValueError`` unless the two parts fit together."""
        return check_conditional_pair(encoder, decoder, self.posterior)

    def check_data(self, data: Any, labels: Any = None, what: str = "images") -> Any:
        """Return images with their labels, checked, or a stream of both; see ``AutoEncoder``."""
        return check_labelled(data, labels, self.image_shape, self.classes, what)

    def check_inputs_of_decoder(self, latents: Any, labels: Any = None) -> Any:
        """Return z with its labels."""
        z = self.check_latents(latents)
        return Labelled(z, check_labels(labels, len(z), self.classes))

    def check_targets(self, targets: Any) -> None:
        """Raise ``ValueError`` if Keras' methods are given labels in place of targets."""
        if targets is not None:
            raise ValueError("y: got labels or targets; expected none: pass (images, labels) as x")

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Configure how the model is trained; see ``AutoEncoder``."""
        super().compile(*args, **kwargs)
        if self.has_metrics:
            # Keras makes their variables from a batch, of which it would take the images alone.
            image = np.zeros((1, *self.image_shape), "float32")
            build_state(self, ((image, np.zeros(1, "int32")),))

    def sample(self, n: int, seed: int | None = None, labels: Any = None) -> np.ndarray:
        """Draw z from the prior and return the mean images of their labels; see ``AutoEncoder``."""
        return super().sample(n, seed, check_labels(labels, self.check_number(n), self.classes))

    def inputs_of(self, data: Any) -> Any:
        """Return what the objective is computed of: images and labels of a batch ``(images, labels)``."""
        given, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        if isinstance(given, tuple | list):  # Both in one input, as Keras' loops pass what they are given as x.
            data = tuple(given)
            labels = data[1] if len(data) > 1 else None
        images = super().inputs_of(data)
        if labels is None or isinstance(labels, np.ndarray):
            labels = check_labels(labels, len(images), self.classes)
        return images, ops.cast(labels, "int32")

    def prepare(self, images: Any, *, draw: str = "threshold") -> tuple[Tensor, Tensor]:
        """Return images as in ``AutoEncoder``, and their labels.

        Args:
            images: ``(images, labels)``.
            draw: as in ``AutoEncoder``.
        """
        pixels, labels = self._split(images)
        return super().prepare(pixels, draw=draw), ops.cast(labels, "int32")

    def pixels_of(self, images: Any) -> Any:
        """Return images without their labels."""
        return self._split(images)[0]

    def with_placeholders(self, images: Any) -> Any:
        """Return images with labels 0."""
        return images, ops.zeros((ops.shape(images)[0],), "int32")

    def decoder_inputs(self, z: Tensor, images: Any) -> Any:
        """Return z and the labels of its images."""
        return [z, self._split(images)[1]]

    def augment(self, images: Any) -> Any:
        """Return training images as ``augmentation`` changes them, and their labels."""
        pixels, labels = self._split(images)
        return super().augment(pixels), labels

    def predict_step(self, *args: Any) -> Any:
        """Return the mean images of a batch ``(images, labels)``; the arguments are Keras' own."""
        return super().predict_step(*args[:-1], (self.inputs_of(args[-1]),))

    def input_spec_of(self, dtype: str) -> Any:
        """Return what a call of the model takes: images and labels."""
        return super().input_spec_of(dtype), keras.InputSpec(dtype="int32", shape=(None,), name="labels")

    def _split(self, images: Any) -> tuple[Any, Any]:
        if isinstance(images, tuple | list | Labelled) and len(pair := tuple(images)) == 2:
            return pair[0], pair[1]
        raise ValueError("images: got images alone; expected (images, labels), since the model is conditional")

    def get_config(self) -> dict[str, Any]:
        """Return the parts and settings of the model."""
        return {**super().get_config(), "classes": self.classes}
