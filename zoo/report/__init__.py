"""One HTML file made from run folders: leaderboards, charts, and a page for each model."""

from zoo.report.write import write_report

__all__ = ["write_report"]
