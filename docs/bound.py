"""Scores a whole test split by the importance-weighted bound, in blocks that an interrupt does not lose.

    python docs/bound.py RUN FILE [--samples 1000] [--block 500] [--share 0/1]

RUN is a run folder. Each block's result is kept in FILE's folder until all are there; then FILE has what ``zoo evaluate
--iwae`` prints, with the bound's mean over all images. The images are binarized as by ``zoo evaluate`` with seed 0; the
draws of z of a block begin from the block's number. With ``--share 0/2`` and ``1/2`` two processes do half each.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Score what is missing, and put it together when nothing is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--block", type=int, default=500)
    parser.add_argument("--share", default="0/1")
    options = parser.parse_args()
    import zoo
    from zoo.files import write_json

    model = zoo.load_model(options.run)
    split = zoo.load_dataset(model.provenance["trained_on"]).test
    images = split.images
    if model.binarization == "dynamic":
        drawn = np.random.default_rng(0).random(images.shape, dtype="float32") < images / np.float32(255)
        images = drawn.astype("float32")
    own, of = map(int, options.share.split("/"))
    starts = range(0, len(images), options.block)
    parts = [options.file.with_suffix(f".{number}.part") for number in range(len(starts))]
    for number, (start, part) in enumerate(zip(starts, parts, strict=True)):
        if number % of == own and not part.exists():
            block = images[start : start + options.block]
            scores = zoo.evaluate(model, block, iwae_samples=options.samples, seed=number)
            write_json(part, scores["iwae"])
            print(f"block {number + 1} of {len(starts)}: {scores['iwae']['nats']:.3f}", file=sys.stderr)
    if all(part.exists() for part in parts):
        found = [json.loads(part.read_text(encoding="utf-8")) for part in parts]
        nats = np.average([part["nats"] for part in found], weights=[part["images"] for part in found])
        result = zoo.evaluate(model, split)
        bound = {"k": options.samples, "nats": float(nats), "images": len(images)}
        write_json(options.file, result | {"iwae": bound})
        for part in parts:
            part.unlink()


if __name__ == "__main__":
    # This checkout, not an installed zoo.
    sys.path.insert(0, str(ROOT))
    main()
