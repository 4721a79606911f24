"""Gradients that are bounded by what is usual: optimizers that compare the norm of each step with those before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from zoo.autoencoder.optimizers.adam import Adam
from zoo.typing import Tensor

TIMES, SKIPPED_ABOVE, WINDOW, MOST_SKIPPED = 3.0, 10.0, 100, 5
FEWEST = 10  # Norms before which there is no median to speak of.

# It is mixed into optimizers, and is none by itself.
_Optimizer: Any = keras.optimizers.Optimizer if TYPE_CHECKING else object


class UsualNorms(_Optimizer):
    """The part of an optimizer that bounds the norm of all gradients together by the median of recent ones.

    A norm above ``times`` the median is scaled down to that (as Child 2021 does with a fixed bound, which has to be
    found anew for each model). One above ``skipped_above`` times the median, or one that is not finite, is an accident
    of one batch: its gradient counts as zero, so that the step goes on by the optimizer's momentum alone, but for no
    more than ``most_skipped`` steps in a row. After these, gradients are that large, or the model has diverged, which
    the loss will show.

    Args:
        *args: those of the optimizer.
        times: the largest norm, in medians; at least 1.
        skipped_above: the norm, in medians, above which a gradient is left out; at least ``times``.
        window: the number of norms of which it is the median; at least 10.
        most_skipped: the largest number of gradients left out in a row; 0 leaves out none.
        **kwargs: those of the optimizer.
    """

    def __init__(
        self,
        *args: Any,
        times: float = TIMES,
        skipped_above: float = SKIPPED_ABOVE,
        window: int = WINDOW,
        most_skipped: int = MOST_SKIPPED,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.times, self.skipped_above, self.window, self.most_skipped = times, skipped_above, window, most_skipped

    def build(self, variables: Any) -> None:
        """Make the variables, those of the norms included."""
        if self.built:
            return
        super().build(variables)
        self.norms = self.add_variable((self.window,), "zeros", dtype="float32", name="norms", aggregation="none")
        self.seen = self.add_variable((), "zeros", dtype="int32", name="norms_seen", aggregation="none")
        self.skipped = self.add_variable((), "zeros", dtype="int32", name="skipped_in_a_row", aggregation="none")

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Update the variables by gradients whose norm is bounded."""
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
            self.build(trainable_variables)
        found = [None if it is None else ops.convert_to_tensor(it) for it in grads]
        factor = self._factor(_norm([it for it in found if it is not None]))
        # Nothing times infinity is no zero.
        bounded = [it if it is None else ops.where(factor > 0, it * ops.cast(factor, it.dtype), 0) for it in found]
        super().apply(bounded, trainable_variables)

    def _factor(self, norm: Tensor) -> Tensor:
        """Return what to multiply the gradients with, and remember their norm."""
        norms, seen, skipped = map(ops.convert_to_tensor, (self.norms, self.seen, self.skipped))
        median, known = self._median(norms, seen)
        finite = ops.isfinite(norm)
        is_accident = ops.logical_or(
            ops.logical_not(finite), ops.logical_and(known, norm > self.skipped_above * median)
        )
        skips = ops.logical_and(is_accident, skipped < self.most_skipped)
        limit = ops.where(known, self.times * median, norm)
        factor = ops.where(norm > limit, limit / norm, 1.0)
        self.skipped.assign(ops.where(skips, skipped + 1, 0))
        # What is left out counts as the largest that is not, so that the median can follow.
        noted = ops.where(known, ops.minimum(norm, self.skipped_above * median), norm)
        place = ops.equal(ops.arange(self.window), seen % self.window)
        self.norms.assign(ops.where(ops.logical_and(place, finite), noted, norms))
        self.seen.assign(ops.where(finite, seen + 1, seen))
        return ops.where(skips, 0.0, factor)

    def _median(self, norms: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Return the lower median of the norms in the window, and whether there are enough of them."""
        count = ops.minimum(seen, self.window)
        filled = ops.where(ops.arange(self.window) < count, norms, float("inf"))
        return ops.take(ops.sort(filled), ops.maximum(count - 1, 0) // 2), count >= FEWEST

    def get_config(self) -> dict[str, Any]:
        """Return the optimizer's settings and the bounds."""
        config: dict[str, Any] = super().get_config()
        bounds = ("times", "skipped_above", "window", "most_skipped")
        return {**config, **{name: getattr(self, name) for name in bounds}}


def _norm(gradients: list[Tensor]) -> Tensor:
    squares = [ops.sum(ops.square(ops.cast(it, "float32"))) for it in gradients]
    return ops.sqrt(ops.sum(ops.stack(squares)) if squares else ops.zeros(()))


def _clipped(kind: Any) -> Any:
    name = f"Clipped{kind.__name__}"
    doc = f"``{kind.__name__}`` whose gradients are bounded as ``UsualNorms`` says."
    made = type(name, (UsualNorms, kind), {"__doc__": doc, "__module__": __name__})
    return keras.saving.register_keras_serializable(package="zoo")(made)


# All of Keras' but the one that scales the loss, which is put around others.
CLIPPED = {
    kind.__name__: _clipped(kind)
    for kind in (
        Adam,
        *(
            getattr(keras.optimizers, name)
            for name in ("Adadelta", "Adafactor", "Adagrad", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "Muon", "Nadam",
                         "RMSprop", "SGD")
            if hasattr(keras.optimizers, name)
        ),
    )
}  # fmt: skip


def clip_by_usual_norms(optimizer: keras.optimizers.Optimizer, **bounds: Any) -> keras.optimizers.Optimizer:
    """Return the same optimizer with bounded gradients.

    Args:
        optimizer: one that has not been used.
        **bounds: those of ``UsualNorms``.

    Raises:
        ValueError: it is none of Keras' optimizers.
    """
    name = type(optimizer).__name__
    if name not in CLIPPED:
        raise ValueError(f"{name} cannot be clipped: expected one of {', '.join(sorted(CLIPPED))}")
    return CLIPPED[name].from_config({**optimizer.get_config(), **bounds})
