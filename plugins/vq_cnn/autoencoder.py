"""The objective of a vector-quantised autoencoder."""

from typing import Any

import keras
from keras import ops
from zoo.plugins.vq_cnn.quantizer import VectorQuantizer
from zoo.plugins.vq_cnn.residual_quantizer import ResidualVectorQuantizer

from zoo import QuantizedAutoEncoder


@keras.saving.register_keras_serializable(package="vq_cnn")
class VectorQuantizedAutoEncoder(QuantizedAutoEncoder):
    """A vector-quantised autoencoder (van den Oord et al. 2017).

    The loss adds the commitment of the encoder to its codes: ``commitment`` times the squared distance of its output
    from them, summed over the latents (ibid., equation 3). With several codes at a position, it adds the distance from
    the first one, from the sum of the first two, and so on (Lee et al. 2022, arXiv:2203.01941, equation 9).

    Args:
        encoder: as for ``QuantizedAutoEncoder``, with the output of a ``VectorQuantizer`` or a
            ``ResidualVectorQuantizer``.
        decoder: as for ``AutoEncoder``.
        *args: further arguments of ``AutoEncoder``.
        **kwargs: further keyword arguments of ``AutoEncoder``.

    Raises:
        ValueError: the encoder's output is not that of such a layer.
    """

    quantizer_name = "VectorQuantizer, or a ResidualVectorQuantizer"

    def check_quantizer(self) -> None:
        """Raise ``ValueError`` unless the encoder's last layer learns its codes."""
        if not isinstance(self.quantizer, VectorQuantizer | ResidualVectorQuantizer):
            raise ValueError(f"the encoder's last layer is {self.quantizer!r}: expected a {self.quantizer_name}")

    def code_loss(self, vectors: Any, z: Any) -> Any:
        """Return the commitment, ``(batch,)``."""
        vectors, z = ops.cast(vectors, "float32"), ops.stop_gradient(z)
        if self.quantizer.quantizers > 1:
            vectors, z = ops.expand_dims(vectors, -2), ops.cumsum(z, axis=-2)
        distance = ops.square(vectors - z)
        return self.quantizer.commitment * ops.sum(distance, axis=tuple(range(1, len(z.shape))))
