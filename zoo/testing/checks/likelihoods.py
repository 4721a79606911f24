"""Checks of what a likelihood p(x|z) declares, and of the values that it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.testing.likelihood_subject import SUPPORTS
from zoo.testing.rule import CheckFailure, check, require, shorten
from zoo.testing.subject import to_numpy, to_tensor

if TYPE_CHECKING:
    from zoo.testing.likelihood_subject import LikelihoodSubject

ALIKE = 1e-4  # Relative; allows for different orders of summation in float32.
DRAWS = 20_000


@check("likelihood")
def check_likelihood_summary_is_one_line(subject: LikelihoodSubject) -> None:
    """The summary is one line of text of at most 100 characters, as tables show it."""
    from zoo.registry import catalogue
    from zoo.registry.scoring_specs import OWN_LIKELIHOODS

    spec = catalogue.plugin_likelihoods().get(subject.name)
    summary = OWN_LIKELIHOODS[subject.name] if spec is None else spec.summary
    require(
        bool(summary.strip()) and "\n" not in summary and len(summary) <= 100,
        f"summary is {summary!r}: expected one line of 1 to 100 characters in LikelihoodSpec(summary=...)",
    )


@check("likelihood")
def check_likelihood_name_is_no_keras_loss(subject: LikelihoodSubject) -> None:
    """No loss of Keras has its name, which recipes may name too."""
    import keras

    try:
        keras.losses.get(subject.name)
    except ValueError:
        return
    raise CheckFailure(f"Keras has a loss called {subject.name!r}: choose another name, so that recipes are clear")


@check("likelihood")
def check_likelihood_can_be_made(subject: LikelihoodSubject) -> None:
    """It is made without arguments, says what its support is, and how many channels the decoder must output."""
    try:
        likelihood = subject.make
        counts = [subject.output_channels(channels) for channels in (1, 2, 3)]
    except CheckFailure:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise CheckFailure(
            f"making it raised {shorten(error)}: name a subclass of zoo.likelihoods.Likelihood, or a function without "
            "arguments that returns one"
        ) from error
    require(
        likelihood.support in SUPPORTS,
        f"support is {likelihood.support!r}: expected 'binary', 'unit', 'bytes', 'real', or None for a plain loss",
    )
    require(counts == sorted(counts), f"output_channels gives {counts} for 1, 2 and 3 channels: expected no fewer")


@check("likelihood")
def check_log_prob_is_one_number_per_image(subject: LikelihoodSubject) -> None:
    """``log_prob`` is finite float32, one number for each image that depends on no other, whatever the types given."""
    from keras import ops

    for channels in (1, 3):
        images = subject.images(channels)
        raw = subject.parameters(images.shape[:3], channels)
        found = subject.log_prob(images, raw)
        require(
            found.shape == (len(images),) and found.dtype == np.float32,
            f"log_prob returns {found.dtype} of shape {found.shape} for {len(images)} images: expected float32, one "
            "number for each: sum over pixels and channels, and over nothing else",
        )
        require(
            bool(np.isfinite(found).all()),
            f"log_prob has {int((~np.isfinite(found)).sum())} values that are NaN or infinite, for parameters around "
            "0: look for unbounded exponentials and logarithms",
        )
        single = np.concatenate([subject.log_prob(images[i : i + 1], raw[i : i + 1]) for i in range(len(images))])
        _require_alike(single, found, "of images one by one differs: sum within each image alone")
        levels = np.rint(255 * images).astype("uint8")
        _require_alike(
            subject.log_prob(levels, raw), subject.log_prob(levels / 255.0, raw),
            "of uint8 images differs from that of the same in [0, 1]: override _log_prob or log_prob, not __call__",
        )  # fmt: skip
        half = ops.cast(ops.convert_to_tensor(raw), "bfloat16")
        rounded = to_numpy(ops.cast(half, "float32"))
        coarse = to_numpy(subject.likelihood.log_prob(images, half))
        require(coarse.dtype == np.float32, f"log_prob of bfloat16 parameters is {coarse.dtype}: expected float32")
        _require_alike(coarse, subject.log_prob(images, rounded), "of bfloat16 parameters differs")


def _require_alike(found: np.ndarray, expected: np.ndarray, what: str) -> None:
    apart = float(np.abs(found - expected).max())
    require(apart <= ALIKE * max(1.0, float(np.abs(expected).max())), f"log_prob {what} (by {apart:.3g})")


@check("likelihood")
def check_probabilities_sum_to_one(subject: LikelihoodSubject) -> None:
    """The probabilities of all values of a pixel sum to one; a density integrates to about one."""
    support = subject.density.support
    subject.skip_unless_sound()
    values, weights, tolerance = _values(str(support))
    for raw in subject.parameters((4, 1, 1), 1):
        tiled = np.broadcast_to(raw, (len(values), *raw.shape)).copy()
        log_prob = subject.log_prob(values.reshape(-1, 1, 1, 1).astype("float32"), tiled).astype("float64")
        total = float(np.sum(weights * np.exp(log_prob)))
        require(
            abs(total - 1) <= tolerance,
            f"exp(log_prob) sums to {total:.6g} over the values of a grey pixel, with support {support!r}: expected 1: "
            "look for a missing constant, or declare another support (None for a plain loss)",
        )


def _values(support: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Return values of a pixel, the weight of each, and how far their sum may be from one."""
    if support in ("binary", "bytes"):
        levels = np.linspace(0.0, 1.0, 2 if support == "binary" else 256)
        return levels, np.ones_like(levels), 1e-3
    if support == "unit":
        # Midpoints: a density may be infinite at the ends.
        middles = (np.arange(200_000) + 0.5) / 200_000
        return middles, np.full_like(middles, 1 / len(middles)), 0.02
    # Densest around mid-grey, where the peaks are, and out to a million for the tails.
    turned = np.linspace(-19.0, 19.0, 400_001)
    values, slopes = 0.5 + 0.01 * np.sinh(turned), 0.01 * np.cosh(turned)
    return values, slopes * (turned[1] - turned[0]), 0.02


@check("likelihood")
def check_likelihood_mean_is_an_image(subject: LikelihoodSubject) -> None:
    """``mean`` returns finite float32 images in [0, 1], for any parameters."""
    for channels in (1, 3):
        for spread in (1.0, 100.0):
            raw = subject.parameters((4, 8, 8), channels, spread)
            found = to_numpy(subject.likelihood.mean(to_tensor(raw)))
            require(
                found.shape == (4, 8, 8, channels) and found.dtype == np.float32 and _is_within(found),
                f"mean returns {found.dtype} of shape {found.shape} from {found.min():.3g} to {found.max():.3g}: "
                f"expected float32 {(4, 8, 8, channels)} in [0, 1]: clip what lies outside",
            )


@check("likelihood")
def check_likelihood_sample_is_a_draw(subject: LikelihoodSubject) -> None:
    """``sample`` draws values of its support, repeats them for a seed, and has the mean that ``mean`` returns."""
    support = subject.density.support
    for channels in (1, 3):
        raw = to_tensor(subject.parameters((4, 8, 8), channels))
        first, again, other = (to_numpy(subject.likelihood.sample(raw, seed=seed)) for seed in (0, 0, 1))
        require(
            first.shape == (4, 8, 8, channels) and first.dtype == np.float32 and bool(np.isfinite(first).all()),
            f"sample returns {first.dtype} of shape {first.shape}: expected finite float32 {(4, 8, 8, channels)}",
        )
        outside = support != "real" and not _is_within(first)
        if support in ("binary", "bytes"):
            top = 1 if support == "binary" else 255
            outside = outside or float(np.abs(first * top - np.rint(first * top)).max()) > 1e-3
        require(not outside, f"sample returns values outside its support, {support!r}")
        require(np.array_equal(first, again), "sample differs for the same seed: draw from the seed alone")
        require(
            not np.array_equal(first, other),
            "sample returns the same for two seeds: draw with keras.random from the seed (mean returns the mean)",
        )
    if support == "real":
        return  # Its mean is clipped.
    raw = np.repeat(subject.parameters((1, 2, 2), 1), DRAWS, axis=0)
    drawn, mean = (
        to_numpy(subject.likelihood.sample(to_tensor(raw), seed=0)),
        to_numpy(subject.likelihood.mean(to_tensor(raw[:1]))),
    )
    apart = float(np.abs(drawn.mean(axis=0) - mean[0]).max())
    require(
        apart < 0.01 + 5 * float(drawn.std(axis=0).max()) / DRAWS**0.5,
        f"the mean of {DRAWS:,} draws is {apart:.3g} from mean(parameters): expected the same distribution in both",
    )


def _is_within(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1)
