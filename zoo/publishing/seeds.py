"""The runs of one configuration with other seeds, over which a score has an interval."""

from __future__ import annotations

from dataclasses import replace

from zoo.benchmarking.intervals import Summary, summarise
from zoo.errors import RunError
from zoo.runs.run import Run
from zoo.score_names import main_score
from zoo.weights.config import OneSeed, WeightsConfig


def find_seeds(run: Run) -> tuple[OneSeed, ...]:
    """Return the score of a run and of the finished, intact runs beside it that differ in the seed alone, by seed."""
    scores = run.scores or {}
    score = main_score([scores])
    found = {}
    for path in sorted(run.path.parent.glob("seed*")):
        other = Run(path)
        try:
            same = replace(other.content.config, seed=0) == replace(run.content.config, seed=0)
            if same and other.scores is not None and not other.doubts():
                value = score.read(other.scores)
                if value is not None and other.scores["data"] == scores["data"]:
                    found[other.content.config.seed] = float(value)
        except RunError:
            continue
    found[run.content.config.seed] = float(score.read(scores))
    return tuple(OneSeed(seed, found[seed]) for seed in sorted(found))


def summarise_seeds(config: WeightsConfig) -> Summary:
    """Return the mean over seeds with its interval."""
    return summarise([it.score for it in config.seeds])
