from .catalogue import list_checks
from .pytest_checks import parametrize_checks
from .rule import Check, CheckFailure, CheckSkipped
from .runner import CheckResult, Report, check_architecture, check_dataset, check_likelihood, check_metric

__all__ = [
    "Check",
    "CheckFailure",
    "CheckResult",
    "CheckSkipped",
    "Report",
    "check_architecture",
    "check_dataset",
    "check_likelihood",
    "check_metric",
    "list_checks",
    "parametrize_checks",
]
