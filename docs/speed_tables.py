"""The tables of ``docs/speed.md``, from ``docs/speed.json`` and ``docs/quality.json``."""

import json
from pathlib import Path
from typing import Any

from markdown_table import to_markdown

DOCS = Path(__file__).resolve().parent
SPEED, QUALITY = DOCS / "speed.json", DOCS / "quality.json"


def make_speed() -> str:
    """Return the tables of ``docs/speed.json``."""
    content = json.loads(SPEED.read_text(encoding="utf-8"))
    machine = content["machine"]
    rows = [["training", "images/s", "zoo is faster by", "lowest to highest", "peak memory, MiB", "share of peak"]]
    for network, found in content["train"].items():
        facts = machine["networks"][network]
        for name, result in found["contenders"].items():
            # A training step takes about three times the operations of a forward pass.
            share = "-"
            if name == "zoo":
                peak = machine["peak_gflops"][facts["precision"]]
                share = f"{3 * facts['flops'] * result['per_second'] / 1e9 / peak:.0%}"
            rows.append([f"{network}: {name}", *_speed_cells(result), f"{result['peak_memory_mb']:,}", share])
    others = [["on small_cnn, 28 x 28", "per second", "zoo is faster by", "lowest to highest"]]
    for task, title in (
        ("score", "importance-weighted bound, k = 1,000, images"),
        ("decode 1", "decode one z, images"),
        ("decode 128", "decode 128 z, images"),
    ):
        others += [[f"{title}: {name}", *_speed_cells(result)] for name, result in content[task].items()]
    starts = [["start-up", "seconds", "share of import keras"]]
    keras = content["start_up"]["import keras"]
    starts += [[f"`{name}`", f"{took:.2f}", f"{took / keras:.0%}"] for name, took in content["start_up"].items()]
    peaks = ", ".join(f"{value:,.0f} GFLOP/s in {name}" for name, value in machine["peak_gflops"].items())
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    precisions = ", ".join(sorted({facts["precision"] for facts in machine["networks"].values()}))
    return f"""{machine["processor"]}, {machine["threads"]} threads; {versions}; {content["rounds"]} rounds. A product
of two 2,048 x 2,048 matrices runs at {peaks}.

{to_markdown(rows, numbers=range(1, 6))}
`small_cnn` on 28 x 28 x 1, the others on 32 x 32 x 3; batches of 128, Bernoulli likelihood. The share of the peak
counts three times the operations of encoder and decoder for each image, against the matrix product in {precisions}.

{to_markdown(others, numbers=range(1, 4))}
{to_markdown(starts, numbers=range(1, 3))}
{_quality()}"""


def _quality() -> str:
    found = json.loads(QUALITY.read_text(encoding="utf-8"))
    rows = [["validation -ELBO", *(f"seed {seed}" for seed in range(len(found["negative_elbo"]["fast"])))]]
    rows += [[name, *(f"{value:,.2f}" for value in values)] for name, values in found["negative_elbo"].items()]
    difference = found["difference"]
    half = difference["high"] - difference["mean"]
    return f"""The same quality: `{found["preset"]}`, {found["epochs"]} epochs of {found["dataset"]}, scored by -ELBO on
{found["images"]:,} validation images, nats per image. "Fast" is the model of `zoo.create_model`, "plain" its twin of
plain Keras layers with Keras' Adam in float32; each pair starts from equal weights and sees the same images in the same
order. Fast - plain is {difference["mean"]:+.2f} ± {half:.2f} (half the 95 % interval, Student's t, paired by seed).

{to_markdown(rows, numbers=range(1, len(rows[0])))}"""


def _speed_cells(result: dict[str, Any]) -> list[str]:
    ratio = result["zoo_is_faster"]
    return [
        f"{result['per_second']:,.0f}",
        f"{ratio['median']:.2f}",
        f"{ratio['low']:.2f} to {ratio['high']:.2f}",
    ]
