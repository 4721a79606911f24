"""The cost of a model: operations, time and memory."""

from zoo.evaluation.cost.measure import measure_cost

__all__ = ["measure_cost"]
