"""Measures of how close reconstructions are to their images."""

from __future__ import annotations

import numpy as np

SSIM_WINDOW = 7


def mean_squared_error(images: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Return the mean squared error of each image over pixels and channels, values in [0, 1]; ``(n,)``."""
    difference = images.astype("float64") - reconstructions
    errors: np.ndarray = np.mean(np.square(difference), axis=(1, 2, 3))
    return errors


def peak_signal_to_noise_ratio(errors: np.ndarray) -> np.ndarray:
    """Return 10 log10(1 / mse) of each image, decibels, for values in [0, 1]; infinite for identical images."""
    with np.errstate(divide="ignore"):
        ratios: np.ndarray = -10.0 * np.log10(errors)
    return ratios


def structural_similarity(images: np.ndarray, reconstructions: np.ndarray) -> np.ndarray | None:
    """Return the structural similarity of each image (Wang et al. 2004), as scikit-image computes it by default.

    A 7x7 uniform window, values in [0, 1], the mean over channels.

    Args:
        images: ``(n, H, W, C)`` in [0, 1].
        reconstructions: the same.

    Returns:
        ``(n,)``, at most 1; None for images smaller than the window.
    """
    from skimage.metrics import structural_similarity as similarity

    if min(images.shape[1:3]) < SSIM_WINDOW:
        return None
    pairs = zip(images, reconstructions, strict=True)
    return np.array([similarity(a, b, data_range=1.0, channel_axis=-1, win_size=SSIM_WINDOW) for a, b in pairs])
