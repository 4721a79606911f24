"""Models whose latents are codes: a finite number of vectors, of which there are one or several at each position."""

from __future__ import annotations

import functools
import math
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.special import entr

from zoo.autoencoder.model import AutoEncoder
from zoo.layers.quantizer import Quantizer
from zoo.typing import Tensor

BATCH = 128
DEAD_SHARE = 0.01  # Of what a code would have if all were used equally.


@keras.saving.register_keras_serializable(package="zoo")
class QuantizedAutoEncoder(AutoEncoder):
    """An autoencoder whose latent is a map of codes.

    The prior is uniform over the codes at each position and the posterior has all its mass on one code at each, so
    KL(q(z|x) || p(z)) is the constant (positions) * log K, and adding it to -log p(x|z) gives an upper bound on
    -log p(x) (van den Oord et al. 2017). If several codebooks have a code each at every place of the map, the last axis
    but one of the latent is theirs, and each of their codes counts as a position.

    Args:
        encoder: as for ``AutoEncoder``, but with one output tensor, that of a ``zoo.layers.Quantizer``, such as
            ``zoo.layers.FiniteScalarQuantizer``.
        decoder: as for ``AutoEncoder``.
        *args: further arguments of ``AutoEncoder``.
        **kwargs: further keyword arguments of ``AutoEncoder``.

    Raises:
        ValueError: the encoder's output is not that of a quantizer.
    """

    posterior = "point"
    quantizer_name = "zoo.layers.Quantizer, such as FiniteScalarQuantizer"

    def __init__(self, encoder: keras.Model, decoder: keras.Model, *args: Any, **kwargs: Any) -> None:
        super().__init__(encoder, decoder, *args, **kwargs)
        self.check_quantizer()
        self.positions = math.prod(self.latent_shape[:-1])

    def check_quantizer(self) -> None:
        """Raise ``ValueError`` unless the encoder's last layer is a quantizer."""
        last = self.encoder.layers[-1]
        if not isinstance(last, Quantizer):
            raise ValueError(f"the encoder's last layer is {last!r}: expected a {self.quantizer_name}")

    @property
    def quantizer(self) -> Any:
        """The encoder's last layer, a ``Quantizer``."""
        return self.encoder.layers[-1]

    @property
    def codebook(self) -> np.ndarray:
        """The codes, ``(codes, d)``, float32; of several codebooks ``(quantizers, codes, d)``."""
        codes: np.ndarray = ops.convert_to_numpy(self.quantizer.codebook)
        return codes

    @functools.cached_property
    def _with_vectors(self) -> keras.Model:
        """The encoder with the quantizer's input as an additional output; it shares the encoder's weights."""
        outputs = [self.quantizer.input, self.encoder.outputs[0]]
        return keras.Model(self.encoder.input, outputs, name=self.encoder.name)

    def elbo_terms(self, images: Any, *, z: Any = None, training: bool = False) -> tuple[Any, Any]:
        """Return -log p(x|z) and (positions) * log K, each ``(batch,)``, nats; if z is given, it is quantised first."""
        if z is None:
            reconstruction, kl, _ = self._terms(images, training)
            return reconstruction, kl
        z = self._look_up(self.quantizer.indices(z))
        return self._score(self.prepare(images, draw="new" if training else "fixed"), z, training)

    def objective(
        self, images: Any, *, kl_weight: Any, free_bits: float, importance_samples: int, training: bool
    ) -> tuple[Any, Any, Any]:
        """Return the loss, -log p(x|z) and the KL divergence, as in ``AutoEncoder``, plus ``code_loss``."""
        reconstruction, kl, own = self._terms(images, training)
        return reconstruction + kl_weight * kl + own, reconstruction, kl

    def _look_up(self, indices: Tensor) -> Tensor:
        """Return the codes of indices ``(batch, ...)``: ``(batch, *latent_shape)``."""
        codebook = ops.convert_to_tensor(self.quantizer.codebook)
        if self.quantizer.quantizers > 1:
            books = np.arange(self.quantizer.quantizers, dtype="int32") * self.quantizer.codes
            codebook, indices = ops.reshape(codebook, (-1, self.latent_shape[-1])), indices + books
        return ops.take(codebook, indices, axis=0)

    def code_loss(self, vectors: Tensor, z: Tensor) -> Tensor:
        """Return what the loss has beside the bound, here nothing: nats per image, ``(batch,)``.

        Args:
            vectors: the quantizer's input, ``(batch, ..., d)``.
            z: its output, ``(batch, *latent_shape)``.
        """
        return ops.zeros((ops.shape(z)[0],))

    def _terms(self, images: Any, training: bool) -> tuple[Any, Any, Any]:
        images = self.prepare(images, draw="new" if training else "fixed")
        vectors, z = self._with_vectors(images, training=training)
        reconstruction, kl = self._score(images, z, training)
        return reconstruction, kl, self.code_loss(vectors, z)

    def _score(self, images: Any, z: Any, training: bool) -> tuple[Any, Any]:
        reconstruction = -self.likelihood.log_prob(images, self.decoder(z, training=training))
        return reconstruction, ops.full_like(reconstruction, self.positions * math.log(self.quantizer.codes))

    def check_objective(self, free_bits: float, importance_samples: int) -> None:
        """Raise ``ValueError`` for free bits and importance weights: the KL divergence is constant and z fixed."""
        super().check_objective(0.0, 1)
        if free_bits:
            raise ValueError(f"free_bits is {free_bits!r}: expected 0, since the KL divergence of codes is constant")
        if importance_samples > 1:
            raise ValueError(
                f"importance_samples is {importance_samples}: expected 1, since codes are not drawn and all samples "
                "are the same"
            )

    def decode(self, latents: Any, labels: Any = None) -> np.ndarray:
        """Return the mean image of p(x given z) as in ``AutoEncoder``, for the codes nearest to the latents."""
        array = self.check_inputs_of_decoder(latents, labels)
        return super().decode(self.code_vectors(self.code_indices(array)))

    def code_indices(self, latents: np.ndarray) -> np.ndarray:
        """Return the indices of the codes nearest to latents ``(batch, *latent_shape)``: ``(batch, ...)``, int."""
        starts = range(0, len(latents), BATCH)
        return np.concatenate([
            ops.convert_to_numpy(self.quantizer.indices(latents[start : start + BATCH])) for start in starts
        ])  # fmt: skip

    def draw_prior(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Draw ``(n, *latent_shape)`` from the prior: at each position, all codes are equally likely."""
        return self.code_vectors(generator.integers(self.quantizer.codes, size=(n, *self.latent_shape[:-1])))

    def code_vectors(self, indices: np.ndarray) -> np.ndarray:
        """Return the codes of indices ``(batch, ...)``, as the decoder takes them: ``(batch, *latent_shape)``."""
        books = (np.arange(self.quantizer.quantizers),) if self.quantizer.quantizers > 1 else ()
        codes: np.ndarray = self.codebook[*books, indices]
        return codes

    def extra_scores(self) -> dict[str, float | None]:
        """Return statistics of code usage; None before any training.

        Returns:
            - ``code_perplexity``: exp of the entropy of the codes' shares p in the moving average of their usage,
              exp(- sum of p log p); from 1 to K, the number of codes in use if all are used equally. Of several
              codebooks, the geometric mean.
            - ``code_rate_bits``: the bits that the codes of an image take with an ideal code for these shares,
              (positions) * - sum of p log2 p; under the uniform prior they take (positions) * log2 K. Of several
              codebooks, the sum.
            - ``dead_codes``: the number of codes with a share below 0.01 / K, of all codebooks.
        """
        usage = self.quantizer.usage()
        if usage is None:
            return {"code_perplexity": None, "code_rate_bits": None, "dead_codes": None}
        books = usage.reshape(-1, usage.shape[-1])
        entropy = float(entr(books).sum(axis=1).mean())  # All have the same number of positions.
        return {
            "code_perplexity": math.exp(entropy),
            "code_rate_bits": self.positions * entropy / math.log(2),
            "dead_codes": int((books < DEAD_SHARE / books.shape[1]).sum()),
        }
