"""Scores by name: their titles, units and digits."""

from __future__ import annotations

from typing import Any

SCORE_TITLES = {
    "negative_elbo": ("-ELBO", "nats/image"),
    "reconstruction": ("reconstruction", "nats/image"),
    "kl": ("KL divergence", "nats/image"),
    "bits_per_dim": ("bits per dimension", ""),
    "cross_entropy": ("cross-entropy (no likelihood)", "nats/image"),
    "mse": ("mean squared error", ""),
    "psnr": ("PSNR", "dB"),
    "ssim": ("SSIM", ""),
    "active_units": ("active latents", ""),
    "parameters": ("parameters", ""),
}
# Units of scores that a kind of model has for itself (``AutoEncoder.extra_scores``), by the last word of the name.
UNITS = {"nats": "nats/image", "bits": "bits/image", "db": "dB"}
DIGITS = {"bits_per_dim": 3, "mse": 5, "ssim": 4, "peak_memory_mb": 0, "train_images_per_second": 0}
BOUND, ACTIVE = "importance-weighted bound", SCORE_TITLES["active_units"][0]
# By where a number stands in a result: title, unit and, where it is shown in another unit, how many of its own that is.
TITLES: dict[tuple[str, ...], tuple[Any, ...]] = {
    **{(key,): title for key, title in SCORE_TITLES.items()},
    ("iwae", "nats"): (BOUND, "nats/image"),
    ("cost", "flops", "encoder"): ("operations of the encoder", "MFLOPs/image", 1e6),
    ("cost", "flops", "decoder"): ("operations of the decoder", "MFLOPs/image", 1e6),
    **{
        ("cost", f"{verb}_ms", count): (f"time to {verb} {count} image{'s' if count != '1' else ''}", "ms")
        for verb in ("encode", "decode")
        for count in ("1", "128")
    },
    ("cost", "peak_memory_mb"): ("peak memory of the process", "MiB"),
    ("cost", "train_seconds"): ("training time", "s"),
    ("cost", "train_images_per_second"): ("training speed", "images/s"),
    ("cost", "epochs"): ("epochs", ""),
}
