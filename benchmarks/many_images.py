"""Trains a tiny network on a folder of a million images, and shows time, memory and the size of the cache.

python benchmarks/many_images.py FOLDER [--count 1000000] [--side 32] [--keep]

Writes ``count`` PNG files of ``side`` x ``side`` x 3 into FOLDER/images unless they are there, decodes them into a
cache in FOLDER/cache and trains for one epoch, each in a new process, whose largest resident memory is that of it and
its children together. Without ``--keep`` FOLDER is removed at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

PER_FOLDER = 1000
EVERY = 0.05  # Seconds between looks at the memory.
LOAD = """
import sys, zoo
dataset = zoo.load_images(sys.argv[1], (int(sys.argv[2]),) * 2 + (3,))
print(dataset)
"""
TRAIN = """
import sys, zoo
dataset = zoo.load_images(sys.argv[1], (int(sys.argv[2]),) * 2 + (3,))
model = zoo.create_model("small_cnn", image_shape=dataset.image_shape, latent_dim=8, filters=[8, 8], seed=0)
model.fit(dataset.train, batch_size=512, epochs=1, validation_data=dataset.validation, verbose=0)
print(zoo.evaluate(model, dataset.test)["mse"])
"""


def write_folder(root: Path, number: int, count: int, side: int) -> None:
    """Write a folder of images: smooth colours and noise, so that files are as large as those of small photographs."""
    folder = root / f"{number:05d}"
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(number)
    ramp = np.linspace(0, 1, side)[:, None] * np.linspace(0, 1, side)
    for index in range(count):
        colours = generator.integers(0, 256, (2, 1, 1, 3))
        noise = generator.normal(0, 8, (side, side, 3))
        pixels = colours[0] + (colours[1] - colours[0]) * ramp[..., None] + noise
        Image.fromarray(np.clip(pixels, 0, 255).astype("uint8")).save(folder / f"{index:04d}.png", compress_level=1)


def write_images(root: Path, count: int, side: int) -> None:
    """Write all images, a folder at a time in each of this machine's processors."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        starts = range(0, count, PER_FOLDER)
        made = [pool.submit(write_folder, root, it // PER_FOLDER, min(PER_FOLDER, count - it), side) for it in starts]
        for future in made:
            future.result()


def measure(code: str, *arguments: object, cache: Path) -> dict[str, float]:
    """Run code in a new process; return the seconds, and the largest resident memory with its children, MB."""
    environment = {**os.environ, "ZOO_CACHE": str(cache), "TF_CPP_MIN_LOG_LEVEL": "2"}
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], env=environment)
    most = 0

    def watch() -> None:
        nonlocal most
        while process.poll() is None:
            found = 0
            try:
                parent = psutil.Process(process.pid)
                for it in (parent, *parent.children(recursive=True)):
                    found += it.memory_info().rss
            except psutil.Error:
                pass
            most = max(most, found)
            time.sleep(EVERY)

    thread = threading.Thread(target=watch)
    thread.start()
    status = process.wait()
    thread.join()
    if status:
        raise SystemExit(f"the measured process ended with status {status}")
    return {"seconds": round(time.perf_counter() - begun, 1), "resident_mb": round(most / 1e6)}


def main() -> None:
    """Write the images, load them twice, train, and print what was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--keep", action="store_true", help="leave images and cache where they are")
    given = parser.parse_args()
    images, cache = given.folder / "images", given.folder / "cache"
    if not images.exists():
        write_images(images, given.count, given.side)
    shutil.rmtree(cache, ignore_errors=True)
    found = {
        name: measure(code, images, given.side, cache=cache)
        for name, code in (("load and decode", LOAD), ("load again", LOAD), ("train one epoch", TRAIN))
    }
    print(json.dumps({"images": given.count, "side": given.side, **found}, indent=2))
    if not given.keep:
        shutil.rmtree(given.folder)


if __name__ == "__main__":
    main()
