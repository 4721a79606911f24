"""Schedules for the KL weight and the learning rate, advanced inside the compiled training step."""

from zoo.startup import start_keras

start_keras()  # Before the modules that import it.

from zoo.schedules.kl_weight import Constant, Cyclic, LinearWarmUp, Schedule, get
from zoo.schedules.learning_rate import CosineDecay, LinearDecay

__all__ = ["Constant", "CosineDecay", "Cyclic", "LinearDecay", "LinearWarmUp", "Schedule", "get"]
