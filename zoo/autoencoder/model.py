"""The shared trainer: a variational autoencoder made of any encoder and decoder."""

from __future__ import annotations

import copy
from typing import Any

import keras
from keras import ops

from zoo import likelihoods
from zoo.autoencoder.latent_space import LatentSpace
from zoo.autoencoder.objective import EvidenceBounds
from zoo.autoencoder.precision import restore_policies, training_policy
from zoo.autoencoder.training_step import Trainer
from zoo.likelihoods import Likelihood
from zoo.registry.recipe import BINARIZATIONS
from zoo.typing import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class AutoEncoder(Trainer, EvidenceBounds, LatentSpace):
    """A variational autoencoder (Kingma and Welling 2014).

    The objective, in nats, is the mean over the batch of: the sum over pixels and channels of -log p(x|z), plus
    ``kl_weight`` times the sum over latents of KL(q(z|x) || N(0, I)). Images go in as uint8 in 0..255 or float in
    [0, 1]; ``model(x)``, ``predict(x)`` and ``reconstruct(x)`` give the mean image in [0, 1] through the posterior
    mean.

    Args:
        encoder: a built functional or Sequential model: images ``(batch, H, W, C)``, float32 in [0, 1], to
            ``(mean, std)`` of a diagonal Gaussian, each ``(batch, *latent_shape)``; for a ``point`` to z itself.
        decoder: likewise: z ``(batch, *latent_shape)`` to the likelihood's raw parameters ``(batch, H, W,
            likelihood.output_channels(C))``.
        likelihood: a name, a ``zoo.likelihoods.Likelihood`` or a plain Keras loss.
        binarization: ``none``; ``threshold`` at one half; or ``dynamic``: each value is drawn as 0 or 1 with its grey
            level as the probability, anew in training and from a fixed seed in evaluation; reconstructions threshold.
        seed: of the draws of z.
        provenance: what a file keeps of the plugins that the model is from.
        **kwargs: ``name``, ``dtype`` and ``trainable`` of a Keras model.

    Attributes:
        posterior: what the encoder gives: ``gaussian``, two tensors ``(mean, std)``; or, in a subclass, ``point``: one
            tensor, the z that the posterior has all its mass on. Its standard deviation is then zero everywhere, and
            the subclass has ``elbo_terms`` of its own, since the KL divergence from a Gaussian prior is infinite.

    Raises:
        ValueError: encoder, decoder and likelihood do not fit together.
    """

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
        super().__init__(**kwargs)
        if binarization not in BINARIZATIONS:
            raise ValueError(f"binarization is {binarization!r}: expected one of {', '.join(BINARIZATIONS)}")
        self.image_shape, self.latent_shape = _check_pair(encoder, decoder, self.posterior)
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = self._fitting(likelihoods.get(likelihood))
        self.binarization = binarization
        self.seed = seed
        self.provenance = provenance
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def prepare(self, images: Tensor, *, draw: str = "threshold") -> Tensor:
        """Return images as the encoder and the likelihood get them: float32 in [0, 1], binarized if the model does so.

        Args:
            images: ``(batch, H, W, C)``, uint8 in 0..255 or float in [0, 1].
            draw: how ``dynamic`` binarizes: ``new``, ``fixed`` or ``threshold``.

        Returns:
            float32 of the same shape.
        """
        images = ops.convert_to_tensor(images)
        if keras.backend.standardize_dtype(images.dtype) == "uint8":
            images = ops.cast(images, "float32") / 255.0
        else:
            images = ops.cast(images, "float32")
        if self.binarization == "none":
            return images
        if self.binarization == "threshold" or draw == "threshold":
            return ops.cast(images >= 0.5, "float32")
        return ops.cast(self._thresholds(images, draw) < images, "float32")

    def _thresholds(self, images: Tensor, draw: str) -> Tensor:
        if draw == "new":
            return keras.random.uniform(ops.shape(images), seed=self.seed_generator)
        # One fixed draw for all images, turned by an angle that depends on the image alone: uniform for each image,
        # different between images, the same in every batch.
        seed, shape = self.seed or 0, (1, *ops.shape(images)[1:])
        angle = ops.sum(images * keras.random.uniform(shape, seed=seed + 1), axis=(1, 2, 3), keepdims=True)
        return ops.mod(keras.random.uniform(shape, seed=seed) + angle, 1.0)

    def extra_scores(self) -> dict[str, float | None]:
        """Return scores that only this kind of model has; none here.

        Returns:
            By name; None where a score has no meaning. ``zoo.evaluate`` adds them to its own. A name is printed with
            spaces for its underscores; one that ends in ``_nats``, ``_bits`` or ``_db`` has that unit.
        """
        return {}

    def mean_image(self, images: Tensor, *, training: bool = False) -> Tensor:
        """Return the mean image in [0, 1] through the posterior mean, as a tensor; see ``reconstruct``."""
        mean, _ = self._posterior(self.prepare(images), training)
        return self.likelihood.mean(self.decoder(mean, training=training))

    def _fitting(self, likelihood: Likelihood) -> Likelihood:
        height, width, channels = self.image_shape
        needed = (height, width, likelihood.output_channels(channels))
        got = tuple(self.decoder.output_shape[1:])
        if got != needed:
            raise ValueError(
                f"the decoder gives {got}; {likelihood.identifier} of images {self.image_shape} needs {needed}: build "
                f"it with build_decoder({self.latent_shape}, {needed})"
            )
        return likelihood

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """Save the whole model as ``keras.Model.save`` does, in Keras' own format, which ``zoo.load_model`` reads.

        Args:
            filepath: a name that ends in ``.keras``.
            *args: further arguments of ``keras.Model.save``.
            **kwargs: the same.

        Raises:
            ValueError: a name that does not end in ``.keras``.
        """
        if not str(filepath).endswith(".keras"):
            raise ValueError(f"{filepath}: expected a name that ends in .keras (the older formats lose the objective)")
        super().save(filepath, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return what the model is made of."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "likelihood": keras.saving.serialize_keras_object(self.likelihood),
            "binarization": self.binarization,
            "seed": self.seed,
            "provenance": self.provenance,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> AutoEncoder:
        """Build it again from ``get_config``."""
        config = dict(config)
        for part in ("encoder", "decoder"):
            if isinstance(config.get(part), dict):
                with training_policy():
                    # A copy, because Keras writes into what it reads.
                    model = keras.saving.deserialize_keras_object(copy.deepcopy(config[part]), custom_objects)
                restore_policies(model, config[part])
                config[part] = model
        for part in ("likelihood", "dtype"):
            if isinstance(config.get(part), dict):
                config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects)
        return cls(**config)


def _check_pair(encoder: Any, decoder: Any, posterior: str) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    for part, model in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
            raise ValueError(
                f"{part} is {model!r}: expected a built functional or Sequential keras.Model; wrap a layer as "
                "keras.Model(inputs, layer(inputs))"
            )
    shapes = _posterior_shapes(encoder.output_shape, posterior)
    if len(encoder.inputs) != 1 or len(encoder.input_shape) != 4:
        raise ValueError(
            f"the encoder's input is {encoder.input_shape}: expected images (batch, height, width, channels)"
        )
    latent = tuple(decoder.input_shape[1:])
    if any(shape != latent for shape in shapes.values()):
        given = " and ".join(f"{what} {shape}" for what, shape in shapes.items())
        raise ValueError(f"the encoder gives {given}, the decoder takes {latent}: expected equal latent shapes")
    return tuple(encoder.input_shape[1:]), latent


def _posterior_shapes(output: Any, posterior: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what the encoder gives, by what it is."""
    one = isinstance(output, tuple) and all(isinstance(n, int | None) for n in output)
    if posterior == "point":
        if not one:
            raise ValueError(f"the encoder's output is {output}: expected one tensor, z, for a point posterior")
        return {"z": output[1:]}
    if one or not isinstance(output, list | tuple) or len(output) != 2 or not all(isinstance(s, tuple) for s in output):
        raise ValueError(
            f"the encoder's output is {output}: expected two tensors (mean, std); zoo.layers.GaussianHead gives them"
        )
    return {"mean": tuple(output[0][1:]), "std": tuple(output[1][1:])}
