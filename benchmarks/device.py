"""Times the zoo's ``fit`` on JAX against PyTorch on one device, and writes one JSON.

    python benchmarks/device.py --device gpu --out device.json
    python benchmarks/device.py --device cpu --images 640 --epochs 1 --rounds 1     # that it works

Needs JAX, and for the peers PyTorch, but not TensorFlow. For each network all contenders are warmed up, and then work
in turn: what counts is the median over rounds of the ratio within a round. Each trains some epochs per round in batches
of 128; PyTorch's images are on the device beforehand, the zoo's get there within ``fit``. Then a whole training with
validation and checkpoints (``zoo.train``) is timed, and the same training in both precisions is scored.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import tempfile
import time
import traceback
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
BATCH = 128
NETWORKS = {"small_cnn": ((28, 28, 1), 16), "residual": ((32, 32, 3), 64)}
PRECISIONS = ("float32", "bfloat16")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="gpu")
    parser.add_argument("--images", type=int, default=45056, help="images of an epoch")
    parser.add_argument("--epochs", type=int, default=3, help="epochs of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--networks", nargs="+", choices=tuple(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--training", type=int, metavar="EPOCHS", help="of the whole training (GPU: 40, CPU: 1)")
    parser.add_argument("--seeds", type=int, help="of the paired trainings in both precisions (GPU: 5, CPU: 0)")
    parser.add_argument("--out", type=Path, default=Path("device.json"))
    return parser.parse_args()


def make_zoo(network, images, latents, precision, epochs):
    """Return a function that trains some epochs, and one that tells how many dispatches an epoch is."""
    import keras

    import zoo

    model = zoo.create_model(network, image_shape=images.shape[1:], latent_dim=latents, likelihood="bernoulli", seed=0)
    model.compile(keras.optimizers.Adam(1e-3), precision=precision)

    def count_dispatches():
        before = model.training_loop.dispatches
        model.fit(images, batch_size=BATCH, epochs=1, verbose=0)
        return model.training_loop.dispatches - before

    return lambda: model.fit(images, batch_size=BATCH, epochs=epochs, verbose=0), count_dispatches


def make_torch(network, images, latents, precision, epochs, mode):
    """Return a function that trains some epochs in PyTorch: ``eager``, ``compiled`` or ``cudagraphs``."""
    import torch
    from torch_twins import VAE

    place = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    model = VAE(network, images.shape[1], images.shape[-1], latents).to(place, memory_format=torch.channels_last)
    options = {"compiled": {}, "cudagraphs": {"mode": "reduce-overhead"}}
    forward = model if mode == "eager" else torch.compile(model, **options[mode])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=place == "cuda")
    data = torch.from_numpy(images).permute(0, 3, 1, 2).to(place, memory_format=torch.channels_last)

    def train():
        model.train()
        for _ in range(epochs):
            for chosen in torch.randperm(len(data), device=place).split(BATCH):
                with torch.autocast(place, torch.bfloat16, enabled=precision == "bfloat16"):
                    loss = forward(data[chosen].float() / 255)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
            loss.item()

    return train


def make_contenders(network, images, latents, arguments):
    """Return functions that train, by name and precision; what cannot be made is reported and left out."""
    modes = ("eager", "compiled", "cudagraphs") if arguments.device == "gpu" else ("eager", "compiled")
    made, dispatches = {}, {}
    for precision in PRECISIONS:
        train, count = make_zoo(network, images, latents, precision, arguments.epochs)
        made["zoo fit", precision], dispatches[precision] = train, count
        for mode in modes:
            try:
                made[f"torch {mode}", precision] = make_torch(
                    network, images, latents, precision, arguments.epochs, mode
                )
            except ImportError as error:
                report(f"torch {mode}: left out: {error}")
    return made, dispatches


def measure(network, arguments):
    """Return what each contender took by round, in images per second, and the ratios of ours to theirs."""
    import numpy as np

    shape, latents = NETWORKS[network]
    images = np.random.default_rng(0).integers(0, 256, (arguments.images, *shape), dtype="uint8")
    contenders, dispatches = make_contenders(network, images, latents, arguments)
    compiling, failed = {}, {}
    for key in list(contenders):
        begun = time.perf_counter()
        try:
            contenders[key]()
        except Exception as error:  # what a compiler raises
            traceback.print_exc()
            failed[key] = f"{type(error).__name__}: {error}"[:300]
            del contenders[key]
            continue
        compiling[key] = time.perf_counter() - begun
    rates = {key: [] for key in contenders}
    for _ in range(arguments.rounds):
        for key, train in contenders.items():
            begun = time.perf_counter()
            train()
            rates[key].append(arguments.images * arguments.epochs / (time.perf_counter() - begun))
    for (who, precision), values in rates.items():
        report(f"{network}: {who} {precision}: {statistics.median(values):,.0f} images/s")
    return {
        "network": network,
        "image_shape": shape,
        "contenders": [
            {
                "who": who,
                "precision": precision,
                "images_per_second": values,
                "first_round_seconds": compiling[who, precision],
            }
            for (who, precision), values in rates.items()
        ],
        "failed": [{"who": who, "precision": precision, "error": error} for (who, precision), error in failed.items()],
        "dispatches_per_epoch": {precision: count() for precision, count in dispatches.items()},
        "steps_per_epoch": -(-arguments.images // BATCH),
        "faster_by": compare(rates),
    }


def compare(rates):
    """Return the median ratio of the zoo's best precision to each peer's best, within rounds."""
    best = {}
    for (who, _), values in rates.items():
        if who not in best or statistics.median(values) > statistics.median(best[who]):
            best[who] = values
    ours = best.pop("zoo fit")
    return {
        who: statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
        for who, theirs in best.items()
    }


def train_whole(epochs, images):
    """Return the seconds of a whole training of images of MNIST's size, with validation and checkpoints."""
    import numpy as np

    import zoo

    data = np.random.default_rng(0).integers(0, 256, (images, 28, 28, 1), dtype="uint8")
    held = max(BATCH, images // 10)
    parts = (data, data[:held], data[:held])
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        run = zoo.train("small_cnn", data=parts, epochs=epochs, batch_size=BATCH, out=folder, progress=False)
        seconds = time.perf_counter() - begun
        record = {"epochs": epochs, "images": images, "seconds": seconds, "train_seconds": run.cost["train_seconds"]}
    report(f"a training of {epochs} epochs of {images:,} images: {seconds:.1f} s")
    return record


def train_in_both(seeds):
    """Return the validation -ELBO, nats per image, of trainings that differ in their precision alone."""
    import zoo

    name = "mnist" if os.environ.get("ZOO_DATA") else "mnist_sample"
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(seeds):
            row = {"seed": seed}
            for precision in PRECISIONS:
                run = zoo.train(
                    f"small_cnn/{name}", seed=seed, epochs=3, precision=precision, out=folder, progress=False
                )
                row[precision] = min(run.history["val_negative_elbo"])
            found.append(row)
            report(f"-ELBO, {row}")
    return {"dataset": name, "epochs": 3, "negative_elbo": found}


def describe(device):
    """Return the device and the versions."""
    import jax

    versions = {}
    for package in ("autoencoder-zoo", "keras", "jax", "numpy", "torch", "tensorflow"):
        try:
            versions[package] = version(package)
        except ImportError:
            versions[package] = None
    found = jax.devices()[0]
    return {
        "device": device, "kind": found.device_kind, "platform": found.platform, "machine": platform.platform(),
        "versions": versions, "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }  # fmt: skip


def report(text):
    print(text, file=sys.stderr, flush=True)


def main():
    arguments = read_arguments()
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # PyTorch needs some memory too.
    if arguments.device == "cpu":
        os.environ |= {"JAX_PLATFORMS": "cpu", "ZOO_DEVICE_LOOP": "always"}
    gpu = arguments.device == "gpu"
    facts = describe(arguments.device)
    if gpu and facts["platform"] == "cpu":
        raise SystemExit("JAX finds no GPU: expected one, or --device cpu")
    results = [measure(network, arguments) for network in arguments.networks]
    training = train_whole(arguments.training or (40 if gpu else 1), arguments.images)
    seeds = arguments.seeds if arguments.seeds is not None else (5 if gpu else 0)
    content = {**facts, "batch": BATCH, "results": results, "training": training, "precisions": train_in_both(seeds)}
    arguments.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({it["network"]: it["faster_by"] for it in results}))


if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    main()
