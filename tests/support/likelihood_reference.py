"""The likelihoods' formulas in float64, by SciPy, and what their tests feed them."""

import itertools

import numpy as np
from keras import ops
from scipy import special, stats

LEVEL = 1 / 255
LEVELS = np.arange(256) / 255
DENSITIES = {"discretized_gaussian": special.log_ndtr, "discretized_logistic": special.log_expit}


def compute(function, *arguments):
    """Return what the zoo's function gives for float32 tensors, as an array."""
    return ops.convert_to_numpy(function(*(ops.convert_to_tensor(a, "float32") for a in arguments)))


def scale_of(raw):
    """Return exp(-3 + 4 t / (1 + |t|)) of t = raw / 4 + 1/3."""
    turned = np.asarray(raw, "float64") / 4 + 1 / 3
    return np.exp(-3 + 4 * turned / (1 + np.abs(turned)))


def split(raw):
    """Return location and scale of a decoder's raw output."""
    location, raw_scale = np.split(np.asarray(raw, "float64"), 2, axis=-1)
    return location + 0.5, scale_of(raw_scale)


def log_difference(high, low):
    return high + np.log(-np.expm1(low - high))


def log_mass(name, images, location, scale, levels=256):
    """Return log p of every value: each level has the mass within half a level of it, the ends the tails."""
    log_cdf, top = DENSITIES[name], levels - 1
    level = np.rint(images * top) / top
    upper, lower = (level + 0.5 / top - location) / scale, (level - 0.5 / top - location) / scale
    # Both densities are symmetric: above the center the mass is that of the mirrored interval, a lower tail.
    above = lower + upper > 0
    high, low = np.where(above, -lower, upper), np.where(above, -upper, lower)
    inside = log_difference(log_cdf(high), log_cdf(low))
    return np.where(level <= 0, log_cdf(upper), np.where(level >= 1, log_cdf(-lower), inside))


def mixture_log_prob(images, raw, components, levels=256):
    """Return log p of each pixel of a logistic mixture (Salimans et al. 2017, equations 1 to 3), ``(n, H, W)``."""
    channels = images.shape[-1]
    raw = np.asarray(raw, "float64").reshape(*images.shape[:-1], -1, components)
    logits, locations, scales = raw[..., 0, :], raw[..., 1 : 1 + channels, :], raw[..., 1 + channels :, :]
    coefficients = np.tanh(scales[..., channels:, :])
    values = np.rint(images * (levels - 1)) / (levels - 1)
    total, used = special.log_softmax(logits, axis=-1), 0
    for channel in range(channels):
        location = locations[..., channel, :] + (np.arange(components) + 0.5) / components
        for earlier in range(channel):
            location = location + coefficients[..., used, :] * (values[..., earlier, None] - 0.5)
            used += 1
        scale = scale_of(scales[..., channel, :])
        total = total + log_mass("discretized_logistic", images[..., channel, None], location, scale, levels)
    return special.logsumexp(total, axis=-1)


def values(name, images, raw):
    """Return log p of every value (of every pixel for a mixture), or minus a plain loss."""
    images = np.asarray(images, "float64")
    if name.startswith("logistic_mixture"):
        return mixture_log_prob(images, raw, int(name.partition(":")[2] or 10))
    raw = np.asarray(raw, "float64")
    if name == "bernoulli":
        return images * raw - np.logaddexp(0, raw)
    if name == "mse":
        return -((images - special.expit(raw)) ** 2)
    if name == "binary_crossentropy":
        return special.xlogy(images, special.expit(raw)) + special.xlogy(1 - images, special.expit(-raw))
    location, scale = split(raw)
    if name == "gaussian":
        return stats.norm.logpdf(images, location, scale)
    return log_mass(name, images, location, scale)


def log_prob(name, images, raw):
    """Return log p of each image, ``(n,)``."""
    found = values(name, images, raw)
    return found.reshape(len(found), -1).sum(axis=1)


def mean(name, raw):
    """Return the mean over the 256 levels, by brute force, of each value of ``(n, 1, 1, parameters)``."""
    raw = np.asarray(raw)
    probability = np.exp(level_log_prob(name, raw))
    return (probability * LEVELS).sum(axis=1)


def level_log_prob(name, raw):
    """Return log p of each of the 256 levels of ``(n, 1, 1, parameters)`` of a grey pixel, ``(n, 256)``."""
    images = np.broadcast_to(LEVELS[None, :, None, None], (len(raw), 256, 1, 1))
    return values(name, images, np.broadcast_to(raw, (len(raw), 256, 1, raw.shape[-1]))).reshape(len(raw), 256)


def alphabet(levels, channels):
    """Return every image of one pixel, ``(levels ** channels, channels)``, the last channel changing fastest."""
    return np.array(list(itertools.product(np.arange(levels) / (levels - 1), repeat=channels)), "float32")


def joint(likelihood, parameters, channels):
    """Return what the likelihood says of the probability of every image of one pixel, ``(n, levels ** channels)``.

    Args:
        likelihood: of the zoo, with ``levels``.
        parameters: ``(n, output_channels)``, of n pixels.
        channels: of an image.
    """
    images, parameters = alphabet(likelihood.levels, channels), np.atleast_2d(parameters)
    raw = np.repeat(parameters, len(images), axis=0)[:, None, None]
    log_prob = compute(likelihood.log_prob, np.tile(images, (len(parameters), 1))[:, None, None], raw)
    return np.exp(log_prob.astype("float64")).reshape(len(parameters), -1)


def draw_images(random, shape, name):
    """Draw grey levels, both ends among them; zeros and ones for ``bernoulli``."""
    images = random.integers(0, 256, shape) / 255
    images.reshape(-1)[:2] = 0.0, 1.0
    return (images > 0.5).astype("float32") if name == "bernoulli" else images.astype("float32")


def degenerate_parameters(limit=1e6):
    """Return ``(n, 1, 1, 2)``: every pair of ordinary, extreme and degenerate locations and log-scales."""
    location = [0.0, -0.5, 0.5, 0.25, -0.5 + LEVEL / 2, 1.0, -1.0, 30.0, -30.0, 1e3, -1e3, limit, -limit]
    raw_scale = [0.0, -3.0, 3.0, 10.0, -10.0, -100.0, 100.0, -limit, limit]
    return np.array([[a, b] for a in location for b in raw_scale], "float32").reshape(-1, 1, 1, 2)


def extreme_parameters(shape, limit=1e6):
    """Return parameters of every order of magnitude, in any combination; nothing but zeros and limits among them."""
    random = np.random.default_rng(13)
    values = [0.0, 0.1, -0.1, 3.0, -3.0, 30.0, -30.0, 1e3, -1e3, limit, -limit]
    drawn = random.choice(values, size=shape)
    drawn[0], drawn[1], drawn[2] = 0.0, limit, -limit
    return drawn.astype("float32")
