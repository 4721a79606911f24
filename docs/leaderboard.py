"""Makes the project's leaderboard: ``python docs/leaderboard.py [RUNS]``.

Trains every architecture but the ladder, which takes an hour for a seed, on the full MNIST, binary MNIST and CIFAR-10
with three seeds, in the folder RUNS (by default ``runs/leaderboard``); if interrupted and started again, it continues
with what is missing. Then it replaces ``docs/leaderboard/``: for each run the unchanged ``run.json`` and
``history.csv``, the model if it is small, and checksums of these; and the tables and the report. ``python
docs/tables.py`` copies the tables into ``docs/leaderboard.md``.
"""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "leaderboard"
DATASETS = ("mnist", "mnist-binary", "cifar10")
ARCHITECTURES = ("small_cnn", "deep_cnn", "residual", "vq_cnn")
EPOCHS, SEEDS, JOBS = 3, 3, 2
LARGEST_MODEL = 1_500_000  # Bytes.
LARGEST_SUM = 15_000_000
KEPT = ("run.json", "history.csv")


def pack(source: Path, target: Path) -> int:
    """Copy the files to keep from one run; return the size of its model in bytes, 0 if it is too large to keep."""
    import zoo

    run = zoo.Run(source)
    if run.doubts():
        raise SystemExit("\n".join(run.doubts()))
    target.mkdir(parents=True)
    for name in KEPT:
        shutil.copyfile(source / name, target / name)
    # Leave out the optimizer's moments, two numbers for each weight, which do not affect the scores.
    model = type(run.model).from_config(run.model.get_config())
    model.set_weights(run.model.get_weights())
    file = target / "model.keras"
    model.save(file)
    size = file.stat().st_size
    if size > LARGEST_MODEL:
        file.unlink()
        size = 0
    zoo.Run(target).save_checksums()
    return size


def main(runs: str = "runs/leaderboard") -> None:
    """Train what is missing, and replace ``docs/leaderboard/``."""
    import zoo
    from zoo.files import making_folder
    from zoo.report import write_report

    presets = [f"{architecture}/{dataset}" for dataset in DATASETS for architecture in ARCHITECTURES]
    board = zoo.benchmark(presets, seeds=SEEDS, epochs=EPOCHS, full=True, jobs=JOBS, out=runs)
    if board.failed:
        raise SystemExit(f"failed runs: {board.failed}")
    names = [name for table in board.tables for row in table.rows for name in row.runs]
    shutil.rmtree(FOLDER, ignore_errors=True)
    with making_folder(FOLDER) as folder:
        models = sum(pack(Path(runs, name), folder / name) for name in names)
        if models > LARGEST_SUM:
            raise SystemExit(f"the models take {models:,} bytes: expected at most {LARGEST_SUM:,}")
        zoo.Leaderboard.from_runs([zoo.Run(folder / name) for name in names], folder).save()
        # The report's links to run folders are relative, so they work in both places.
        shutil.copyfile(write_report(runs, progress=True), folder / "report.html")


if __name__ == "__main__":
    # Import the zoo from this checkout, not an installed one.
    sys.path.insert(0, str(ROOT))
    main(*sys.argv[1:])
