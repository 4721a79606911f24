"""The zoo's networks in PyTorch, as one writes them there.

Strided convolutions pad symmetrically in PyTorch, at the end in TensorFlow; the two are the same function of mirrored
images with mirrored kernels.
"""

import math

import torch
from torch import nn
from torch.nn import functional

BOUND = 14.0


class Head(nn.Module):
    """Features to the mean and the log-variance of the posterior."""

    def __init__(self, features, latents):
        super().__init__()
        self.dense = nn.Linear(features, 2 * latents)

    def forward(self, x):
        # The order of values in memory: channels are last.
        mean, log_variance = self.dense(x.permute(0, 2, 3, 1).flatten(1)).chunk(2, dim=1)
        return mean, BOUND * torch.tanh(log_variance / BOUND)


class Start(nn.Module):
    """Latents to the smallest feature map."""

    def __init__(self, latents, size, channels, activation):
        super().__init__()
        self.dense, self.shape = nn.Linear(latents, size * size * channels), (size, size, channels)
        self.activation = activation

    def forward(self, z):
        return self.activation(self.dense(z)).unflatten(1, self.shape).permute(0, 3, 1, 2)


def _norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.05)


def _convolution(channels, width, **options):
    return nn.Conv2d(channels, width, 3, padding=1, **options)


def _sizes(size, halvings):
    return [math.ceil(size / 2**number) for number in range(halvings + 1)]


def small_cnn(size, channels, latents, filters=(32, 64)):
    """Return encoder and decoder."""
    layers, before = [], channels
    for width in filters:
        layers += [_convolution(before, width), nn.ReLU(), nn.MaxPool2d(2)]
        before = width
    small = _sizes(size, len(filters))[-1]
    encoder = nn.Sequential(*layers, Head(small * small * before, latents))
    layers = [Start(latents, small, before, functional.relu), _convolution(before, before), nn.ReLU()]
    for width in reversed(filters[:-1]):
        layers += [nn.Upsample(scale_factor=2), _convolution(before, width), nn.ReLU()]
        before = width
    return encoder, nn.Sequential(*layers, nn.Upsample(scale_factor=2), _convolution(before, channels))


def deep_cnn(size, channels, latents, filters=(32, 64, 64)):
    """Return encoder and decoder."""

    def convolve(before, width):
        return [_convolution(before, width, bias=False), _norm(width), nn.SiLU()]

    layers, before = [], channels
    for width in filters[:-1]:
        layers += [*convolve(before, width), nn.AvgPool2d(2), *convolve(width, width)]
        before = width
    layers += [*convolve(before, filters[-1]), _convolution(filters[-1], filters[-1]), nn.SiLU()]
    small, before = _sizes(size, len(filters) - 1)[-1], filters[-1]
    encoder = nn.Sequential(*layers, Head(small * small * before, latents))
    layers = [Start(latents, small, before, functional.silu)]
    for stage, width in enumerate(reversed(filters)):
        if stage > 1:
            layers += [nn.Upsample(scale_factor=2)]
        layers += [*convolve(before, width), *convolve(width, width)]
        before = width
    return encoder, nn.Sequential(*layers, nn.Upsample(scale_factor=2), _convolution(before, channels))


class Block(nn.Module):
    """A pre-activation residual block."""

    def __init__(self, width):
        super().__init__()
        half = width // 2
        self.branch = nn.Sequential(
            _norm(width), nn.SiLU(), _convolution(width, half, bias=False),
            _norm(half), nn.SiLU(), _convolution(half, width),
        )  # fmt: skip

    def forward(self, x):
        return x + self.branch(x)


def residual(size, channels, latents, filters=(32, 64, 96)):
    """Return encoder and decoder."""
    layers, before = [], channels
    for stage, width in enumerate(filters):
        kernel = 5 if stage == 0 else 3
        layers += [nn.Conv2d(before, width, kernel, stride=2, padding=kernel // 2), Block(width)]
        before = width
    small = _sizes(size, len(filters))[-1]
    encoder = nn.Sequential(*layers, nn.SiLU(), Head(small * small * before, latents))
    layers = [Start(latents, small, before, nn.Identity())]
    for width in (*reversed(filters[:-1]), channels):
        layers += [Block(before), _norm(before), nn.SiLU(), nn.ConvTranspose2d(before, width, 4, stride=2, padding=1)]
        before = width
    return encoder, nn.Sequential(*layers)


NETWORKS = {"small_cnn": small_cnn, "deep_cnn": deep_cnn, "residual": residual}


class VAE(nn.Module):
    """Gives the negative ELBO of images in [0, 1] under a Bernoulli likelihood, averaged over the batch."""

    def __init__(self, network, size, channels, latents):
        super().__init__()
        self.encoder, self.decoder = NETWORKS[network](size, channels, latents)

    def forward(self, x):
        mean, log_variance = self.encoder(x)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        logits = self.decoder(z)
        reconstruction = functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum((1, 2, 3))
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
        return (reconstruction + kl).mean()
