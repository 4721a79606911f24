"""The training history: a row for each epoch, and what follows from the rows."""

from __future__ import annotations

import csv
import io
import itertools
import math
from collections.abc import Iterable
from pathlib import Path

from zoo.errors import RunError
from zoo.files import read_text, write_text
from zoo.plain_json import LARGEST_NUMBER
from zoo.runs.record import BestEpoch

HISTORY_FILE = "history.csv"
MOST_EPOCHS, MOST_COLUMNS = 100_000, 1000
_NEEDED = ("epoch", "val_loss", "val_negative_elbo")


class History:
    """Rows, one for each completed epoch: its number (from 1), the KL weight at its end and Keras' logs.

    Args:
        rows: the rows so far.
    """

    def __init__(self, rows: Iterable[dict[str, float]] = ()) -> None:
        self.rows = list(rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def best(self) -> BestEpoch | None:
        """The first epoch with the lowest finite validation loss.

        Validation uses the final KL weight, so losses are comparable during a warm-up too.
        """
        finite = [row for row in self.rows if math.isfinite(row["val_loss"])]
        if not finite:
            return None
        row = min(finite, key=lambda row: row["val_loss"])
        return BestEpoch(int(row["epoch"]), row["val_loss"], row["val_negative_elbo"])

    @property
    def columns(self) -> dict[str, list[float]]:
        """The rows, column by column."""
        return {key: [row[key] for row in self.rows] for key in (self.rows[0] if self.rows else ())}

    def is_over(self, epochs: int, patience: int | None) -> bool:
        """Return whether nothing is left to train.

        Args:
            epochs: the number of epochs requested.
            patience: stop after this many epochs without a lower validation loss; None: train all epochs.
        """
        if len(self) >= epochs:
            return True
        best = self.best
        return patience is not None and len(self) - (best.epoch if best else 0) >= patience

    def first(self, epochs: int) -> History:
        """Return the history of the first epochs."""
        return History(self.rows[:epochs])

    def write(self, folder: Path) -> None:
        """Write ``history.csv`` atomically."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(folder / HISTORY_FILE, text.getvalue())

    @classmethod
    def read(cls, folder: Path) -> History:
        """Read ``history.csv``; the numbers are bit for bit those that were written.

        Raises:
            RunError: the file is missing or damaged.
        """
        file = folder / HISTORY_FILE
        try:
            lines = csv.DictReader(io.StringIO(read_text(file)))
            names = lines.fieldnames or ()
            if len(names) > MOST_COLUMNS or len(set(names)) < len(names):
                raise ValueError(f"it has {len(names):,} columns, or two of one name: expected up to {MOST_COLUMNS}")
            rows: list[dict[str, float]] = [
                {key: float(value) for key, value in line.items()} for line in itertools.islice(lines, MOST_EPOCHS + 1)
            ]
        except OSError as error:
            raise RunError(f"{file}: cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, AttributeError, csv.Error) as error:
            raise RunError(f"{file}: cannot be read: {str(error)[:200]}") from error
        if len(rows) > MOST_EPOCHS:
            raise RunError(f"{file}: cannot be read: it has more than {MOST_EPOCHS:,} lines")
        for number, row in enumerate(rows, start=1):
            if not all(key in row for key in _NEEDED) or row["epoch"] != number:
                raise RunError(f"{file}: line {number + 1} is not epoch {number} with its losses")
            # A loss may have become NaN or infinite, but no float32 is as large as a float64 can be.
            if any(math.isfinite(value) and abs(value) > LARGEST_NUMBER for value in row.values()):
                raise RunError(f"{file}: line {number + 1} has a number above {LARGEST_NUMBER:g}, as no loss is")
            row["epoch"] = number
        return cls(rows)
