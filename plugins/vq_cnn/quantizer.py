"""The layer that replaces vectors by the nearest codes of a codebook, and how the codebook learns."""

import numbers
from typing import Any

import keras
from keras import ops

from zoo.layers import Quantizer


@keras.saving.register_keras_serializable(package="vq_cnn")
class VectorQuantizer(Quantizer):
    """A layer that replaces each vector, along the last axis, by the nearest code (van den Oord et al. 2017).

    The gradient passes straight from the output to the input. The codebook has no gradient: in training, each code
    follows the exponential moving average of the vectors that it is nearest to (ibid., appendix A.1). With ``n[i]``
    the number of vectors z in a batch that are assigned to code i,

        N[i] = decay N[i] + (1 - decay) n[i],    m[i] = decay m[i] + (1 - decay) sum of z,    code i = m[i] / N[i].

    A code that is hardly used would never move. So a code whose N[i] is below a share of the average N is restarted at
    a random vector of the batch with the average N (as in Dhariwal et al. 2020, arXiv:2005.00341, section 3.1). N
    starts at zero, so after the first batch all codes lie among the vectors. Computes in float32 under every dtype
    policy.

    Args:
        codes: K, the number of codes in the codebook.
        commitment: the weight of the squared distance of a vector from its code, which the model adds to its loss.
            It must be larger with a likelihood in nats, summed over pixels, than with a mean squared error.
        decay: the decay of the moving averages; in [0, 1).
        restart_below: the share of the average N below which a code is restarted; in (0, 1).
        seed: the seed of the initial codebook and of the random vectors; None draws one.

    Call arguments:
        vectors: ``(batch, ..., d)``.
        training: whether the codebook learns from the vectors.

    Returns:
        Codes in the shape of ``vectors``, float32.

    Raises:
        ValueError: an option is out of range.
    """

    def __init__(
        self,
        codes: int = 512,
        commitment: float = 16.0,
        decay: float = 0.98,
        restart_below: float = 0.05,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(decay, **kwargs)
        if not isinstance(codes, numbers.Integral) or codes < 1:
            raise ValueError(f"codes is {codes!r}: expected a whole number of at least 1")
        if not 0 <= commitment < float("inf"):
            raise ValueError(f"commitment is {commitment!r}: expected a finite number of at least 0")
        if not 0 < restart_below < 1:
            raise ValueError(f"restart_below is {restart_below!r}: expected a number between 0 and 1")
        self.codes: int = codes
        self.commitment: float = commitment
        self.restart_below: float = restart_below
        self.seed: int | None = seed
        self.seed_generator: Any = keras.random.SeedGenerator(seed)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the codebook and its moving averages."""
        # Tiny codes: before the first training step, the nearest one depends on a vector's direction, not its length.
        small = keras.initializers.RandomUniform(-1 / self.codes, 1 / self.codes, self.seed)
        shape = (self.codes, input_shape[-1])
        self.codebook = self.add_average("codebook", shape, small)
        self.sizes = self.add_average("sizes", shape[:1])
        self.sums = self.add_average("sums", shape)
        self.built = True

    def call(self, vectors: Any, training: bool = False) -> Any:
        """Return the codes; in training, the codebook is updated afterwards."""
        flat = ops.reshape(vectors, (-1, vectors.shape[-1]))
        indices = self._nearest(flat)
        found = ops.reshape(ops.take(ops.convert_to_tensor(self.codebook), indices, axis=0), ops.shape(vectors))
        if training and self.trainable:
            self._learn(ops.stop_gradient(flat), indices)
        # The difference is exactly zero, so the output is exactly a code.
        return ops.stop_gradient(found) + (vectors - ops.stop_gradient(vectors))

    def indices(self, vectors: Any) -> Any:
        """Return the indices of the nearest codes, ``(batch, ...)``, for vectors ``(batch, ..., d)``."""
        vectors = ops.cast(vectors, "float32")
        return ops.reshape(self._nearest(ops.reshape(vectors, (-1, vectors.shape[-1]))), ops.shape(vectors)[:-1])

    def _nearest(self, flat: Any) -> Any:
        codebook = ops.convert_to_tensor(self.codebook)
        # |z - e|^2 without |z|^2, which is the same for all codes.
        distances = ops.sum(ops.square(codebook), axis=1) - 2 * ops.matmul(flat, ops.transpose(codebook))
        # What exported models are run by has no top_k from JAX, and cannot look at bits, as Keras' argmin does on
        # TensorFlow.
        if keras.backend.backend() == "tensorflow":
            return ops.top_k(-distances, 1)[1][:, 0]
        return ops.argmin(distances, axis=1)

    def _learn(self, flat: Any, indices: Any) -> None:
        counts = ops.segment_sum(ops.ones_like(flat[:, 0]), indices, num_segments=self.codes)
        totals = ops.segment_sum(flat, indices, num_segments=self.codes)
        sizes = self.decay * self.sizes + (1 - self.decay) * counts
        sums = self.decay * self.sums + (1 - self.decay) * totals
        fair = ops.mean(sizes)
        dead = sizes < self.restart_below * fair
        drawn = self._draw(flat)
        sizes = ops.where(dead, fair, sizes)
        sums = ops.where(dead[:, None], fair * drawn, sums)
        self.sizes.assign(sizes)
        self.sums.assign(sums)
        # From the assigned values, which are aggregated over replicas.
        self.codebook.assign(ops.convert_to_tensor(self.sums) / ops.convert_to_tensor(self.sizes)[:, None])

    def _draw(self, flat: Any) -> Any:
        """Return a random vector for each code."""
        count = ops.shape(flat)[0]
        share = keras.random.uniform((self.codes,), seed=self.seed_generator)
        # A share close to one may round up to the count.
        drawn = ops.minimum(ops.cast(share * ops.cast(count, "float32"), "int32"), count - 1)
        return ops.take(flat, drawn, axis=0)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        names = ("codes", "commitment", "restart_below", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
