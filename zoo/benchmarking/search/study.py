"""The trials of a search, kept in a file: what optuna proposes, and what has become of it."""

from __future__ import annotations

import json
import logging
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.benchmarking.search.space import Space
from zoo.errors import RunError
from zoo.runs.history import History
from zoo.runs.run import Run

STORAGE_FILE = "search.log"
STARTUP = 5  # Trials before any is pruned, and before proposals follow from earlier ones.
_ABOUT = "about"


@dataclass(frozen=True)
class Ended:
    """A trial that has ended; fields as in ``zoo.benchmarking.search.result.Trial``."""

    number: int
    state: str
    settings: dict[str, Any]
    validation: float | None
    epochs: int
    error: str | None


class Study:
    """The trials of a search in a folder, where an earlier call may have left some.

    Args:
        folder: the folder; this process alone must use it.
        space: what to choose from.
        about: what else the search depends on; another search in the folder is refused.
        trials: the number of trials in all.
        seed: makes the proposals reproducible.

    Raises:
        RunError: optuna is not installed, or the folder has another search.
    """

    def __init__(self, folder: Path, space: Space, about: dict[str, Any], trials: int, seed: int) -> None:
        self._optuna = _import_optuna()
        self._space, self._seed = space, seed
        journal = self._optuna.storages.journal
        # A process that was killed may have left it.
        (folder / f"{STORAGE_FILE}.lock").unlink(missing_ok=True)
        self._study = self._optuna.create_study(
            storage=self._optuna.storages.JournalStorage(journal.JournalFileBackend(str(folder / STORAGE_FILE))),
            study_name="zoo", load_if_exists=True, direction="minimize",
            pruner=self._optuna.pruners.MedianPruner(n_startup_trials=STARTUP),
        )  # fmt: skip
        about = {**about, "space": space.to_dict(), "search_seed": seed}
        before = self._study.user_attrs.get(_ABOUT)
        if before is None:
            for point in space.points(trials) or ():
                self._study.enqueue_trial(point)
            self._study.set_user_attr(_ABOUT, json.dumps(about))
        elif json.loads(before) != json.loads(json.dumps(about)):
            raise RunError(f"{folder} has another search ({before}): choose another folder (out=, --out)")
        points = space.points(trials)
        self.trials = trials if points is None else len(points)
        self._left = self._of_state("RUNNING")

    def propose(self) -> Any | None:
        """Return a trial that an earlier call has left, or the next; None if there are enough."""
        if self._left:
            return self._optuna.trial.Trial(self._study, self._left.pop(0)._trial_id)
        begun = [it for it in self._study.get_trials(deepcopy=False) if it.state.name != "WAITING"]
        if len(begun) >= self.trials:
            return None
        # Each has a seed of its own, so that a search that goes on proposes what it would have proposed.
        seed = (self._seed * 1_000_003 + len(begun)) % 2**32
        with warnings.catch_warnings():
            # Earlier versions say that what keeps trials at a time apart is experimental.
            warnings.simplefilter("ignore", self._optuna.exceptions.ExperimentalWarning)
            self._study.sampler = self._optuna.samplers.TPESampler(
                n_startup_trials=STARTUP, constant_liar=True, seed=seed
            )
        return self._study.ask(self._space.distributions())

    def settings(self, trial: Any) -> dict[str, Any]:
        """Return the settings of a trial."""
        return self._space.to_settings(trial.params)

    def report(self, trial: Any, run: Path, epochs: int) -> bool:
        """Report the epochs of a trial's run so far; return whether the trial is worse than most.

        Args:
            trial: the trial.
            run: the run's folder.
            epochs: how many epochs the run will have; after the last, nothing is gained by stopping.
        """
        try:
            rows = History.read(run).rows
        except RunError:  # There is none yet.
            return False
        known = self._study.get_trials(deepcopy=False)[trial.number].intermediate_values
        for row in rows[: epochs - 1]:
            epoch, value = int(row["epoch"]), row["val_negative_elbo"]
            if epoch not in known:
                trial.report(value if math.isfinite(value) else math.inf, epoch)
            if epoch >= max(known, default=0) and trial.should_prune():
                return True
        return False

    def end(self, trial: Any, outcome: Run | str, *, pruned: bool) -> None:
        """Keep how a trial has ended."""
        states = self._optuna.trial.TrialState
        best = None if isinstance(outcome, str) else outcome.content.best
        if pruned:
            self._study.tell(trial, state=states.PRUNED)
        elif isinstance(outcome, str) or best is None:
            trial.set_user_attr("error", str(outcome))
            self._study.tell(trial, state=states.FAIL)
        else:
            trial.set_user_attr("epochs", len(History.read(outcome.path)))
            self._study.tell(trial, best.negative_elbo)

    def ended(self) -> Iterator[Ended]:
        """Yield the trials that have ended, in their order."""
        for trial in self._study.get_trials(deepcopy=False):
            if trial.state.is_finished():
                value = trial.value if trial.state.name == "COMPLETE" else None
                settings = self._space.to_settings(trial.params)
                # A pruned one may have trained for some epochs more, until it was told.
                epochs = trial.user_attrs.get("epochs", max(trial.intermediate_values, default=0))
                error = trial.user_attrs.get("error")
                yield Ended(trial.number, trial.state.name.lower(), settings, value, epochs, error)

    def _of_state(self, name: str) -> list[Any]:
        return list(self._study.get_trials(states=(self._optuna.trial.TrialState[name],)))


def _import_optuna() -> Any:
    try:
        import optuna
        import optuna.storages.journal
    except ImportError as error:
        raise RunError(
            'a search needs optuna, which is not installed: pip install "autoencoder-zoo[search]"'
        ) from error
    # Trials are shown by the search itself.
    optuna.logging.set_verbosity(logging.ERROR)
    return optuna
