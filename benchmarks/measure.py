"""Times the zoo against its peers on the same networks, and writes docs/speed.json.

    pip install . -r benchmarks/requirements.txt
    python benchmarks/measure.py [--rounds 5] [--threads 2]

All contenders of a task are alive at once, each in a process of its own with as many threads, and work in turn: a noisy
machine is as noisy for all of them. What counts is the median over rounds of the ratio within a round.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# Network, dataset, images for each measurement.
NETWORKS = (
    ("small_cnn", "mnist_sample", 4480),
    ("deep_cnn", "cifar10_sample", 1792),
    ("residual", "cifar10_sample", 1792),
)
PEERS = ("keras", "keras example", "torch", "torch compiled", "pythae")
START_UPS = {
    "zoo list": ["-m", "zoo", "list"],
    "import zoo": ["-c", "import zoo"],
    "import keras": ["-c", "import keras"],
    "python": ["-c", ""],
}


@contextmanager
def workers(task, contenders, network, dataset, images, threads):
    """Start a worker for each contender; gives them by name."""
    started = {}
    try:
        for contender in contenders:
            command = [sys.executable, str(HERE / "worker.py"), task, contender, network, dataset]
            command += ["--images", str(images), "--threads", str(threads)]
            started[contender] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            if started[contender].stdout.readline() != "ready\n":
                raise SystemExit(f"{contender} failed: run {' '.join(command)}")
        yield started
    finally:
        for process in started.values():
            process.kill()


def measure(task, contenders, network, dataset, images, threads, rounds):
    """Return for each contender its seconds by round and its peak memory."""
    with workers(task, contenders, network, dataset, images, threads) as started:
        seconds = {name: [] for name in started}
        for _ in range(rounds):
            for name, process in started.items():
                process.stdin.write("go\n")
                process.stdin.flush()
                seconds[name].append(float(process.stdout.readline()))
        memory = {}
        for name, process in started.items():
            process.stdin.close()
            memory[name] = round(float(process.stdout.readline()))
    return {name: {"seconds": seconds[name], "peak_memory_mb": memory[name]} for name in started}


def summarise(results, count):
    """Add images per second, and how many times as fast the zoo is as each peer."""
    ours = results["zoo"]["seconds"]
    for result in results.values():
        theirs = result["seconds"]
        ratios = [their / our for their, our in zip(theirs, ours, strict=True)]
        result["per_second"] = count / statistics.median(theirs)
        result["zoo_is_faster"] = {"median": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}
        result["seconds"] = [round(value, 4) for value in theirs]
    return results


def time_start_ups(rounds):
    """Return the median seconds of whole processes, in turn."""
    seconds = {name: [] for name in START_UPS}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    for _ in range(rounds + 1):
        for name, arguments in START_UPS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment)
            seconds[name].append(time.perf_counter() - start)
    # The first round reads files that are not yet in memory.
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


FACTS = """
import json, sys, time
import numpy as np, tensorflow as tf, torch, keras, zoo, pythae
from importlib.metadata import version
from workload import LATENTS
from zoo.evaluation.cost.flops import count_flops

def peak(dtype):
    a = tf.cast(tf.random.normal((2048, 2048)), dtype)
    product = tf.function(tf.matmul)
    def once():
        start = time.perf_counter()
        product(a, a).numpy()
        return time.perf_counter() - start
    once()
    return 2 * 2048**3 / sorted(once() for _ in range(9))[4] / 1e9

result = {
    "packages": {name: version(name) for name in ("keras", "torch", "pythae")} | {"tensorflow": tf.__version__},
    "peak_gflops": {dtype: peak(dtype) for dtype in ("float32", "bfloat16")},
    "networks": {},
}
for network, dataset in json.loads(sys.argv[1]):
    shape = zoo.load_dataset(dataset, limit=1).image_shape
    model = zoo.create_model(network, image_shape=shape, latent_dim=LATENTS[network], likelihood="bernoulli")
    flops = [count_flops(part) for part in (model.encoder, model.decoder)]
    result["networks"][network] = {"flops": sum(flops), "precision": model.settle_precision()}
print(json.dumps(result))
"""


def find_facts(threads):
    """Return versions, the machine's peak and each network's operations, found in a process of its own."""
    code = (
        f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(ROOT)!r}]\nimport worker; worker.limit_threads({threads})\n"
    )
    pairs = json.dumps([entry[:2] for entry in NETWORKS])
    done = subprocess.run([sys.executable, "-c", code + FACTS, pairs], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "speed.json")
    options = parser.parse_args()
    facts = find_facts(options.threads)
    content = {
        "machine": {"processor": processor(), "threads": options.threads, "python": platform.python_version()} | facts,
        "rounds": options.rounds,
        "train": {},
    }
    for network, dataset, images in NETWORKS:
        found = measure("train", ("zoo", *PEERS), network, dataset, images, options.threads, options.rounds)
        content["train"][network] = {"dataset": dataset, "images": images, "contenders": summarise(found, images)}
        report("train", network, found)
    small = NETWORKS[0]
    for task, peers, count in (
        ("score", ("pythae",), 20),
        ("decode 1", ("keras", "torch"), 1),
        ("decode 128", ("keras", "torch"), 128),
    ):
        rounds = options.rounds * (1 if task == "score" else 10)
        content[task] = summarise(measure(task, ("zoo", *peers), *small, options.threads, rounds), count)
        report(task, small[0], content[task])
    content["start_up"] = time_start_ups(options.rounds)
    print(content["start_up"], file=sys.stderr)
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def report(task, network, results):
    """Say on stderr how it went."""
    shown = ", ".join(
        f"{name} {result['per_second']:,.0f}/s ({result['zoo_is_faster']['median']:.2f})"
        for name, result in results.items()
    )
    print(f"{task} {network}: {shown}", file=sys.stderr)


def processor():
    """Return the processor's name."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8").splitlines() if facts.is_file() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


if __name__ == "__main__":
    main()
