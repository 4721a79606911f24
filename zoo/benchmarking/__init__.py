"""Training and comparison of presets."""

from zoo.benchmarking.grid import benchmark
from zoo.benchmarking.leaderboard import Leaderboard

__all__ = ["Leaderboard", "benchmark"]
