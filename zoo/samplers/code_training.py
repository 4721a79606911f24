"""The network over codes as it learns."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from zoo.samplers.code_network import FIRST, LATER, mask, named, shapes
from zoo.samplers.sampler import Arrays
from zoo.samplers.training import Objective, hidden_kernel
from zoo.typing import Tensor


class CodeObjective(Objective):
    """The negative log probability of codes: ``(batch, height, width, stages)``, whole, to ``(batch,)``, nats.

    Args:
        codes: their number.
        embedding: the values that each code is read as.
        width: the channels of the hidden maps.
        blocks: the number of residual blocks.
        seed: of the initial weights.
        stages: the number of codes at a place.
    """

    def __init__(self, codes: int, embedding: int, width: int, blocks: int, seed: int, stages: int = 1) -> None:
        super().__init__()
        generator = np.random.default_rng([seed, 3])
        self.blocks, self.stages = blocks, stages
        self.own = {}
        for name, shape in shapes(codes, embedding, width, blocks, stages).items():
            # At first all codes are equally likely.
            zero = name.startswith(("bias", "kernel_out"))
            initializer = "zeros" if zero else hidden_kernel(generator)
            self.own[name] = self.add_weight(shape=shape, initializer=initializer, name=name)
        self.masks = {
            side: mask(side, itself=itself).astype("float32") for side, itself in ((FIRST, False), (LATER, True))
        }

    def call(self, codes: Tensor) -> Tensor:
        """Return -log p of each map."""
        own = self.own
        each = [codes[..., stage] for stage in range(self.stages)]
        read = [ops.take(own[named("embedding", stage)], it, axis=0) for stage, it in enumerate(each)]
        state = self._convolve(sum(read), "first", FIRST)
        for block in range(self.blocks):
            hidden = ops.relu(self._convolve(ops.relu(state), str(block), LATER))
            state = state + ops.matmul(hidden, own[f"kernel_{block}_out"]) + own[f"bias_{block}_out"]
        total = 0.0
        for stage, it in enumerate(each):
            if stage:
                state = state + ops.take(own[named("before", stage)], each[stage - 1], axis=0)
            logits = ops.matmul(ops.relu(state), own[named("kernel_out", stage)]) + own[named("bias_out", stage)]
            losses = keras.losses.sparse_categorical_crossentropy(it, logits, from_logits=True)
            total = total + ops.sum(losses, axis=(1, 2))
        return total

    def _convolve(self, x: Tensor, name: str, side: int) -> Tensor:
        kernel = self.own[f"kernel_{name}"] * self.masks[side]
        return ops.conv(x, kernel, padding="same") + self.own[f"bias_{name}"]

    def arrays(self) -> Arrays:
        """Return the weights, as ``shapes`` names them."""
        return {name: ops.convert_to_numpy(weight) for name, weight in self.own.items()}
