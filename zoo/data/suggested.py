"""Settings for images that have no recipe of their own."""

from __future__ import annotations

# The default batch size by the number of training images, and the steps to reach with it: 240 digits are drawn clearly
# after 800, and validation is best before.
BATCH_SIZES = ((128, 20_000), (64, 5_000), (32, 1_000))
SMALLEST_BATCH = 16
STEPS = 800
FEWEST_EPOCHS, MOST_EPOCHS = 20, 200


def suggest_settings(images: int) -> dict[str, int]:
    """Return a batch size and a number of epochs for images that have no recipe of their own.

    Few images need small batches and many epochs, or else there are too few steps to learn anything.

    Args:
        images: the number of training images, >= 1.
    """
    batch_size = next((size for size, least in BATCH_SIZES if images >= least), SMALLEST_BATCH)
    per_epoch = -(-images // batch_size)
    return {"batch_size": batch_size, "epochs": min(max(-(-STEPS // per_epoch), FEWEST_EPOCHS), MOST_EPOCHS)}
