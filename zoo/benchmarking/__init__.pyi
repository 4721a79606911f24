from .cells import Cell
from .executor import Executor, Terms
from .grid import benchmark
from .leaderboard import Leaderboard

__all__ = ["Cell", "Executor", "Leaderboard", "Terms", "benchmark"]
