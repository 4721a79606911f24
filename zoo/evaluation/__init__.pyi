from .comparison import compare
from .scores import evaluate

__all__ = ["compare", "evaluate"]
