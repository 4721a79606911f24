"""The model itself: an encoder, a decoder and a likelihood, on the tensors of a batch."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from zoo import likelihoods
from zoo.autoencoder.checks.parts import POSTERIORS, check_pair
from zoo.autoencoder.checks.provenance import read_provenance
from zoo.autoencoder.checks.values import find_values
from zoo.autoencoder.draws import batch_thresholds, binarize, seed_generator
from zoo.autoencoder.replicas import count_images, fill_empty
from zoo.data.checks import check_images, refuse_targets
from zoo.likelihoods.likelihood import Likelihood, to_unit_interval
from zoo.registry.recipe import BINARIZATIONS
from zoo.typing import Tensor


class PairedModel(keras.Model):
    """An encoder, a decoder and a likelihood; see ``AutoEncoder`` for the arguments."""

    posterior: ClassVar[str] = "gaussian"
    takes_labels: ClassVar[bool] = False
    classes: int | None = None  # Of the labels.

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Check the kind of posterior that a subclass declares."""
        super().__init_subclass__(**kwargs)
        if cls.posterior not in POSTERIORS:
            raise TypeError(f"{cls.__name__}.posterior is {cls.posterior!r}: expected one of {', '.join(POSTERIORS)}")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        likelihood: Any = "bernoulli",
        binarization: str = "none",
        *,
        seed: int | None = None,
        provenance: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        # autocast would round images to half precision before the likelihood sees them.
        super().__init__(autocast=False, **kwargs)
        _check_binarization(binarization)
        self.image_shape, self.latent_shape = self.check_parts(encoder, decoder)
        self.encoder = encoder
        self.decoder = decoder
        self.own_likelihood = self.check_likelihood(likelihoods.get(likelihood))
        self._likelihood = self.own_likelihood
        self._binarization = binarization
        self.seed = seed
        self.provenance = read_provenance(provenance)
        self.seed_generator = seed_generator(seed)
        self.built = True

    @functools.cached_property
    def traced_passes(self) -> dict[Any, tuple[Any, Any]]:
        """Compiled passes that ``zoo.autoencoder.prediction.traced`` keeps."""
        return {}

    @property
    def likelihood(self) -> Likelihood:
        """The likelihood p(x given z); a new one takes effect at once, until the model is compiled again."""
        return self._likelihood

    @likelihood.setter
    def likelihood(self, likelihood: Any) -> None:
        self.change_setting("_likelihood", self.check_likelihood(likelihoods.get(likelihood)))

    @property
    def binarization(self) -> str:
        """``none``, ``threshold`` or ``dynamic``; a new value takes effect at once."""
        return self._binarization

    @binarization.setter
    def binarization(self, binarization: str) -> None:
        _check_binarization(binarization)
        self.change_setting("_binarization", binarization)

    def change_setting(self, name: str, value: Any) -> None:
        """Change a private attribute that compiled functions depend on; the check of its value comes before."""
        setattr(self, name, value)

    def check_parts(self, encoder: Any, decoder: Any) -> tuple[tuple[int, int, int], tuple[int, ...]]:
        """Return the shapes of an image and of its latent; ``ValueError`` unless the two parts fit together."""
        return check_pair(encoder, decoder, self.posterior)

    def check_likelihood(self, likelihood: Likelihood) -> Likelihood:
        """Return the likelihood, or raise ``ValueError`` unless the decoder outputs the channels that it needs."""
        height, width, channels = self.image_shape
        needed = (height, width, likelihood.output_channels(channels))
        got = tuple(self.decoder.output_shape[1:])
        if got != needed:
            raise ValueError(
                f"the decoder outputs {got}; {likelihood.identifier} of images {self.image_shape} needs {needed}: "
                f"build it with build_decoder({self.latent_shape}, {needed})"
            )
        return likelihood

    def prepare(self, images: Tensor, *, draw: str = "threshold") -> Tensor:
        """Return images as the encoder and the likelihood take them: float32 in [0, 1], binarised if the model does so.

        Args:
            images: ``(batch, H, W, C)``, uint8 in 0..255 or float in [0, 1].
            draw: how ``dynamic`` binarises: with ``new`` draws; with ``fixed`` draws, the same in every evaluation (a
                NumPy array is treated as an entire set of images, a tensor as a batch of one); or by a ``threshold`` at
                one half.

        Returns:
            float32 of the same shape.

        Raises:
            ValueError: the images are not as described above; not for symbolic tensors, whose values are unknown.
        """
        values = find_values(images)
        if values is not None:
            check_images(values, self.image_shape)
        if isinstance(images, np.ndarray) and self.binarization == "dynamic" and draw == "fixed":
            return ops.convert_to_tensor(binarize(images, self.seed or 0))
        images = to_unit_interval(images)
        if self.binarization == "none":
            return images
        if self.binarization == "threshold" or draw == "threshold":
            return ops.cast(images >= 0.5, "float32")
        if draw == "new":
            thresholds = keras.random.uniform(ops.shape(images), seed=self.seed_generator)
        else:
            thresholds = batch_thresholds(images, self.seed or 0)
        return ops.cast(thresholds < images, "float32")

    def check_targets(self, targets: Any) -> None:
        """Raise ``ValueError`` if Keras' methods are given targets."""
        refuse_targets(targets)

    def pixels_of(self, images: Any) -> Any:
        """Return images without what a kind of model has beside them, such as labels."""
        return images

    def with_placeholders(self, images: Any) -> Any:
        """Return images with what a kind of model has beside them, of any value, so that its parts can be traced."""
        return images

    def decoder_inputs(self, z: Tensor, images: Any) -> Any:
        """Return what the decoder takes: z, and what a kind of model has beside its images, as ``prepare`` returns."""
        return z

    def inference_network(self) -> keras.Model:
        """Return the network from images, float32 in [0, 1], to the parameters of the posterior."""
        return self.encoder

    def posterior_parameters(self, images: Tensor, *, training: bool = False) -> tuple[Tensor, Tensor]:
        """Return the mean and standard deviation of q(z|x), float32.

        Args:
            images: as ``prepare`` returns them.
            training: whether layers such as batch normalisation are training.

        Returns:
            ``(mean, std)``, each ``(batch, *latent_shape)``; std is zero where the posterior is a point.
        """
        outputs = self.encoder(images, training=training)
        if self.posterior == "point":
            z = ops.cast(outputs, "float32")
            return z, ops.zeros_like(z)
        mean, std = outputs
        return ops.cast(mean, "float32"), ops.cast(std, "float32")

    def _posterior(self, images: Tensor, training: bool = False) -> tuple[Tensor, Tensor]:
        """Return ``posterior_parameters``, under the name that subclasses of the first version call."""
        return self.posterior_parameters(images, training=training)

    def mean_image(self, images: Tensor, *, training: bool = False) -> Tensor:
        """Return the mean image in [0, 1] through the posterior mean, as a tensor; see ``reconstruct``."""
        count = count_images(images)
        images = self.prepare(fill_empty(images))
        mean, _ = self.posterior_parameters(images, training=training)
        return self.likelihood.mean(self.decoder(self.decoder_inputs(mean, images), training=training))[:count]

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Return the mean image in [0, 1] through the posterior mean."""
        return self.mean_image(images, training=training)


def _check_binarization(binarization: Any) -> None:
    if binarization not in BINARIZATIONS:
        raise ValueError(f"binarization is {binarization!r}: expected one of {', '.join(BINARIZATIONS)}")
