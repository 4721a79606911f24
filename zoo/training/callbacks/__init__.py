"""What happens between the steps of a training: saving, averaging, stopping, writing for TensorBoard."""

from zoo.training.callbacks.averaging import UseAverages
from zoo.training.callbacks.saving import SaveEpochs, StopOnNonFinite, Stopwatch
from zoo.training.callbacks.tensorboard import WriteEvents, check_tensorboard

__all__ = ["SaveEpochs", "StopOnNonFinite", "Stopwatch", "UseAverages", "WriteEvents", "check_tensorboard"]
