"""Folders of trained weights, made without training."""

import hashlib
import json
from pathlib import Path

import zoo
from zoo.factory.assemble import parameter_count

SETTINGS = {"latent_dim": 2, "filters": [4]}
SCORES = {
    "negative_elbo": 700.5, "reconstruction": 690.25, "kl": 10.25, "bits_per_dim": 1.29, "iwae": None,
    "kl_per_latent": [5.0, 5.25], "cross_entropy": None, "mse": 0.02, "psnr": 17.0, "ssim": 0.8, "active_units": 2,
    "parameters": 1, "data": {"dataset": "mnist_sample", "part": "test", "sha256": "0" * 64, "images": 1000},
    "likelihood": "discretized_logistic", "binarization": "none", "seed": 0,
}  # fmt: skip
PROVENANCE = {
    "zoo": "0.1.0", "python": "3.11.7", "backend": "tensorflow", "packages": {"keras": "3.15.1"}, "platform": "Linux",
    "threads": 1, "started": "2026-01-01T00:00:00+00:00", "deterministic": True, "precision": "float32",
    "plugin": {"name": "zoo.plugins.small_cnn", "distribution": "autoencoder-zoo", "version": "0.1.0"},
    "dataset": {part: {"images": 10, "sha256": "0" * 64} for part in ("train", "validation", "test")},
}  # fmt: skip
HISTORY = "epoch,kl_weight,loss,val_loss,val_negative_elbo\n1,1.0,800.0,750.0,750.0\n"


def describe(model, preset="small_cnn/mnist_sample", **changes):
    """Return the content of a config.json, some of it replaced."""
    info = zoo.get_model_info(preset)
    return {
        "format": 1, "tag": "default", "preset": preset, "architecture": info.architecture, "dataset": info.dataset,
        "plugin": {"name": "zoo.plugins.small_cnn", "distribution": "autoencoder-zoo", "version": "0.1.0"},
        "image_shape": list(model.image_shape), "latent_shape": list(model.latent_shape),
        "options": {**info.config, **SETTINGS}, "recipe": dict(info.recipe), "seed": 0,
        "parameters": parameter_count(model), "dtype": "float32",
        "summary": ["Small", "Digits"], "source": None, "licence": None, "rounding": None,
        "seeds": [{"seed": 0, "score": 700.5}], "zoo": "0.1.0", "backend": "tensorflow",
        "run": {"provenance": PROVENANCE, "best": {"epoch": 1, "loss": 750.0, "negative_elbo": 750.0}, "cost": {}},
    } | changes  # fmt: skip


def build(preset="small_cnn/mnist_sample", seed=3):
    return zoo.create_model(preset, seed=seed, **SETTINGS)


def write_sums(folder):
    files = sorted(file for file in folder.iterdir() if file.name != "SHA256SUMS" and file.is_file())
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (folder / "SHA256SUMS").write_text("".join(lines))


def write_folder(folder, model=None, arrays=None, **changes):
    """Write a weights folder, whose checksums are right whatever else is wrong."""
    from zoo.autoencoder.arrays import get_arrays
    from zoo.weights.arrays import write_arrays

    model = build() if model is None else model
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(write_arrays(get_arrays(model) if arrays is None else arrays))
    (folder / "config.json").write_text(json.dumps(describe(model, **changes)))
    (folder / "scores.json").write_text(json.dumps(SCORES))
    (folder / "history.csv").write_text(HISTORY)
    (folder / "README.md").write_text("# A card\n")
    write_sums(folder)
    return folder
