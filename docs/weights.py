"""Trains, publishes and shows the zoo's own weights: ``python docs/weights.py train|publish|compress|gallery [RUNS]``.

``train`` trains every preset of ``PRESETS`` with each seed in the folder RUNS (by default ``runs/weights``), one epoch
after another to the end of its recipe; if interrupted and started again, it continues after the last completed epoch.
``publish`` takes the run of each preset that is the best on the validation split, and makes its weights folder beside
the plugin's hook; larger ones than ``LARGEST`` have to go to the hub, with ``zoo publish RUN --to hf://user/repo``.
``compress`` measures what the first test images take in a file, and adds it to the cards of the weights that are there.
``gallery`` rewrites the table of ``docs/gallery.md`` from what is published. Names of presets after RUNS choose some.
"""

import functools
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GALLERY = ROOT / "docs" / "gallery.md"
ARCHITECTURES = ("small_cnn", "deep_cnn", "residual", "vq_cnn")
DATASETS = ("mnist", "mnist-binary", "cifar10")
SAMPLES = ("small_cnn/mnist_sample",)
PRESETS = (
    *SAMPLES,
    *(f"{architecture}/{dataset}" for dataset in DATASETS for architecture in ARCHITECTURES),
    "ladder/mnist-binary",
)
SEEDS = 3
# What differs from the recipe: the samples are small, and trained for long in no time.
SETTINGS: dict[str, dict[str, Any]] = {"small_cnn/mnist_sample": {"epochs": 40}}
IMPORTANCE_SAMPLES = {"mnist-binary": 100}  # Where the bound is what others report; 1,000 take hours on a CPU.
LARGEST, LARGEST_SUM = 8_000_000, 40_000_000  # Bytes.
LICENCE = "MIT"
COMPRESSED = {"cifar10": 100}  # Images; 1,000 of the others.


def find_runs(out: Path, preset: str) -> list[Any]:
    """Return the runs of a preset that are there, whatever became of them."""
    import zoo

    return [zoo.Run(file.parent) for file in sorted((out / preset).glob("seed*/run.json"))]


def train(out: Path, presets: Iterable[str]) -> None:
    """Train what is missing."""
    import zoo

    for seed in range(SEEDS):
        for preset in presets:
            found = [run for run in find_runs(out, preset) if run.config["seed"] == seed]
            if any(run.status == "finished" for run in found):
                continue
            print(f"{preset}, seed {seed}", flush=True)
            if found:
                zoo.resume(found[0].path, progress=True)
            else:
                zoo.train(preset, seed=seed, out=out, progress=True, **SETTINGS.get(preset, {}))


def publish(out: Path, presets: Iterable[str]) -> None:
    """Publish the best run of each preset."""
    from zoo.publishing import publish as make
    from zoo.registry import catalogue
    from zoo.weights.folder import ARRAYS_FILE
    from zoo.weights.sources import folder_name

    total = 0
    for preset in presets:
        finished = [run for run in find_runs(out, preset) if run.status == "finished"]
        if not finished:
            print(f"{preset}: no finished run")
            continue
        best = min(finished, key=lambda run: run.best["loss"])
        plugin = catalogue.architecture(preset.partition("/")[0]).plugin
        if plugin is None or plugin.folder is None:
            raise SystemExit(f"{preset}: its plugin has no folder")
        target = Path(plugin.folder, "weights", folder_name(preset, "default"))
        variant = preset.partition("/")[2]
        samples, images = IMPORTANCE_SAMPLES.get(variant, 0), COMPRESSED.get(variant, 1000)
        made = make(
            best, target, licence=LICENCE, importance_samples=samples, compress=images, overwrite=True,
            tell=functools.partial(print, f"{preset}:", flush=True),
        )  # fmt: skip
        size = (made.path / ARRAYS_FILE).stat().st_size
        total += size
        print(f"{preset}: {size:,} bytes as {made.config.dtype}, seed {best.config['seed']}")
        if size > LARGEST or total > LARGEST_SUM:
            raise SystemExit(f"{made.path} is too large for the package: move it to the hub")


def compress(presets: Iterable[str]) -> None:
    """Measure what test images take, for the presets whose weights are there, and write their cards anew."""
    import zoo
    from zoo.compression.measured import COMPRESSED as KEY
    from zoo.compression.measured import measure_compressed
    from zoo.files import write_json, write_text
    from zoo.publishing.card import make_card
    from zoo.publishing.gallery import find_folders
    from zoo.runs.history import History
    from zoo.weights.folder import CARD_FILE, PICTURES, SCORES_FILE, write_sums

    for folder in find_folders(ROOT / "plugins"):
        if folder.config.name not in presets:
            continue
        count = COMPRESSED.get(folder.config.name.partition("/")[2], 1000)
        found = measure_compressed(zoo.load_model(folder.path), zoo.load_dataset(folder.config.dataset).test, count)
        scores = folder.scores | {KEY: found}
        write_json(folder.path / SCORES_FILE, scores)
        write_text(folder.path / CARD_FILE, make_card(folder.config, scores, History.read(folder.path), PICTURES))
        write_sums(folder.path)
        print(f"{folder.config.name}: {found}")


def fill_gallery(text: str) -> str:
    """Return the page with its table made anew."""
    from zoo.publishing.gallery import find_folders, make_gallery

    begin, end = "<!-- gallery -->\n", "<!-- /gallery -->"
    head, tail = text.partition(begin)[0], text.partition(end)[2]
    return f"{head}{begin}{make_gallery(find_folders(ROOT / 'plugins'), GALLERY.parent)}{end}{tail}"


def write_gallery() -> None:
    """Rewrite the gallery."""
    from zoo.files import write_text

    write_text(GALLERY, fill_gallery(GALLERY.read_text(encoding="utf-8")))


def main(command: str, runs: str = "runs/weights", *presets: str) -> None:
    """Run a command."""
    if command == "gallery":
        write_gallery()
    elif command == "compress":
        compress(presets or PRESETS)
    elif command in ("train", "publish"):
        (train if command == "train" else publish)(Path(runs), presets or PRESETS)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    # Import the zoo from this checkout, not an installed one.
    sys.path.insert(0, str(ROOT))
    main(*sys.argv[1:])
