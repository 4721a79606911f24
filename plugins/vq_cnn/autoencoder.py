"""The objective of a vector-quantised autoencoder."""

from typing import Any

import keras
from keras import ops
from zoo.plugins.vq_cnn.quantizer import VectorQuantizer

from zoo import QuantizedAutoEncoder


@keras.saving.register_keras_serializable(package="vq_cnn")
class VectorQuantizedAutoEncoder(QuantizedAutoEncoder):
    """A vector-quantised autoencoder (van den Oord et al. 2017).

    The loss adds the commitment of the encoder to its codes: ``commitment`` times the squared distance of its output
    from them, summed over the latents (ibid., equation 3).

    Args:
        encoder: as for ``QuantizedAutoEncoder``, with the output of a ``VectorQuantizer``.
        decoder: as for ``AutoEncoder``.
        *args: further arguments of ``AutoEncoder``.
        **kwargs: further keyword arguments of ``AutoEncoder``.

    Raises:
        ValueError: the encoder's output is not that of a ``VectorQuantizer``.
    """

    def check_quantizer(self) -> None:
        """Raise ``ValueError`` unless the encoder's last layer is a ``VectorQuantizer``."""
        if not isinstance(self.quantizer, VectorQuantizer):
            raise ValueError(f"the encoder's last layer is {self.quantizer!r}: expected a VectorQuantizer")

    def code_loss(self, vectors: Any, z: Any) -> Any:
        """Return the commitment, ``(batch,)``."""
        distance = ops.square(ops.cast(vectors, "float32") - ops.stop_gradient(z))
        return self.quantizer.commitment * ops.sum(distance, axis=tuple(range(1, len(z.shape))))
