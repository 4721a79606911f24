"""A model that takes steps on JAX with the images on the device."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from zoo.autoencoder.checks.labels import is_held, values_of
from zoo.autoencoder.internals import build_state
from zoo.autoencoder.on_device.batches import ArrayBatches, HeldBatches, have_room
from zoo.autoencoder.on_device.loop import TRIAL, Loop, Steps, divide_evenly, is_wanted
from zoo.autoencoder.training_step import SteppedModel

SECONDS = 0.1  # Of a dispatch: long beside its overhead, short for progress and an interrupt.


class DeviceModel(SteppedModel):
    """A model whose ``fit`` and ``evaluate`` keep the images of arrays on the device, where that is faster.

    Keras' loops stay in charge: as with ``steps_per_execution``, they call a function for many steps at a time, which
    here takes them from the device instead of from the iterator that it is given.
    """

    train_function: Any
    test_function: Any
    steps_per_execution: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held_for_training: HeldBatches | None = None
        self._held_for_testing: HeldBatches | None = None
        self.training_loop: Loop | None = None
        self.testing_loop: Loop | None = None

    def make_train_function(self, force: bool = False) -> None:
        """Make the function that takes training steps: one at a time, as Keras does, or many on the device."""
        if self.train_function is None or force:
            super().make_train_function(force)
            if keras.backend.backend() == "jax":
                self.training_loop = loop = Loop(self.train_step)
                self.train_function = self._choose(self.train_function, loop, lambda: self._held_for_training)

    def make_test_function(self, force: bool = False) -> None:
        """Make the function that takes evaluation steps likewise."""
        if self.test_function is None or force:
            super().make_test_function(force)
            if keras.backend.backend() == "jax":
                self.testing_loop = loop = Loop(self.test_step)
                self.test_function = self._choose(self.test_function, loop, lambda: self._held_for_testing)

    def _choose(self, plain: Steps, loop: Loop, find_held: Callable[[], HeldBatches | None]) -> Steps:
        def take_steps(state: Any, iterator: Any) -> tuple[Any, Any]:
            held = find_held()
            return plain(state, iterator) if held is None else loop(state, held, self.steps_per_execution)

        return take_steps

    def logs_of_steps(self) -> list[dict[str, float]]:
        """Return what each training step of the last dispatch logged; nothing if steps are taken one by one."""
        if self._held_for_training is None or self.training_loop is None:
            return []
        logged = {name: np.asarray(values) for name, values in self.training_loop.logged.items()}
        return [dict(zip(logged, map(float, values), strict=True)) for values in zip(*logged.values(), strict=True)]

    @contextlib.contextmanager
    def fitting(self, given: dict[str, Any], *, streams: bool) -> Iterator[dict[str, Any]]:
        """Yield the arguments for Keras' ``fit``: arrays are replaced if their images are kept on the device.

        Args:
            given: ``x``, ``batch_size``, ``shuffle``, ``validation_data`` and ``validation_batch_size``.
            streams: whether ``fit`` is told how many batches to take, as for streams.
        """
        shown = given["validation_data"]
        data = [it for it in (given["x"], shown) if it is not None]
        if streams or given["shuffle"] == "batch" or not self._can_hold(data):
            with self.off_device():
                yield given
            return
        size, order = given["batch_size"], given["shuffle"]
        train = _as_batches(given["x"], size, shuffle=bool(order))
        test = None if shown is None else _as_batches(shown, given["validation_batch_size"] or size)
        given = {**given, "x": train, "validation_data": test, "batch_size": None, "shuffle": False}
        with self._holding(train, test):
            yield given

    @contextlib.contextmanager
    def evaluating(self, given: dict[str, Any], *, streams: bool) -> Iterator[dict[str, Any]]:
        """Yield the arguments for Keras' ``evaluate`` likewise: ``x`` and ``batch_size``."""
        if streams or not self._can_hold([given["x"]]):
            with self.off_device():
                yield given
            return
        test = _as_batches(given["x"], given["batch_size"])
        with self._holding(None, test):
            yield {"x": test, "batch_size": None}

    @contextlib.contextmanager
    def off_device(self) -> Iterator[None]:
        """Take every step as Keras does, also where a callback of a ``fit`` with images on the device asks for one."""
        with self._set(None, None, self._requested.get("steps_per_execution") or 1):
            yield

    @contextlib.contextmanager
    def _holding(self, train: ArrayBatches | None, test: ArrayBatches | None) -> Iterator[None]:
        given = train or test
        assert given is not None
        if build_state(self, given[0]):
            given.on_epoch_begin()  # Keras would have taken a batch for it, and an order before that.
        training, testing = (None if batches is None else HeldBatches(batches) for batches in (train, test))
        with self._set(training, testing, self._choose_steps(training, testing)):
            yield

    @contextlib.contextmanager
    def _set(self, train: HeldBatches | None, test: HeldBatches | None, steps: int) -> Iterator[None]:
        before = self._held_for_training, self._held_for_testing, self.steps_per_execution
        self._held_for_training, self._held_for_testing, self.steps_per_execution = train, test, steps
        try:
            yield
        finally:
            self._held_for_training, self._held_for_testing, self.steps_per_execution = before

    def _can_hold(self, data: list[Any]) -> bool:
        if not is_wanted() or not self._has_plain_steps():
            return False
        arrays = [it.images if isinstance(it, ArrayBatches) else it for it in data]
        return all(is_held(it) for it in arrays) and have_room([values_of(it) for it in arrays])

    def _has_plain_steps(self) -> bool:
        """Return whether steps are as the zoo makes them, compiled, and for one device."""
        own = any(
            getattr(type(self), name) is not getattr(DeviceModel, name)
            for name in ("train_step", "test_step", "make_train_function", "make_test_function")
        )
        return (
            not own
            and bool(self.jit_compile)
            and not self.run_eagerly
            and self._requested.get("steps_per_execution") != 1
            and keras.config.max_steps_per_epoch() is None
        )

    def _choose_steps(self, train: HeldBatches | None, test: HeldBatches | None) -> int:
        """Return how many steps a dispatch takes."""
        chosen = self._requested.get("steps_per_execution")
        if chosen:
            return int(chosen)
        held = train or test
        assert held is not None
        if held.full < 4 * TRIAL:
            return held.batches.num_batches
        parts = [self.trainable_variables, self.non_trainable_variables, self.metrics_variables]
        if train is not None:
            parts.insert(2, self.optimizer.variables)
            self.make_train_function()
            loop = self.training_loop
        else:
            self.make_test_function()
            loop = self.testing_loop
        assert loop is not None
        seconds = loop.time(tuple([variable.value for variable in part] for part in parts), held)
        return divide_evenly(held.full, SECONDS / seconds)


def _as_batches(data: Any, size: int | None, *, shuffle: bool = False) -> ArrayBatches:
    return data if isinstance(data, ArrayBatches) else ArrayBatches(data, size, shuffle=shuffle)
