"""Checks that the builders build models with the right shapes for images of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import one_line
from zoo.testing.rule import CheckFailure, check, require, shorten
from zoo.testing.subject import COLOUR, GREY, ODD

if TYPE_CHECKING:
    from zoo.autoencoder.model import AutoEncoder
    from zoo.testing.subject import Subject

SLIPS = (NameError, ImportError, AttributeError, SystemExit)
MEND = "derive every size in the builders from image_shape, latent_shape and output_shape"


@check()
def check_builds_for_grey_images(subject: Subject) -> None:
    """Encoder and decoder build with the defaults for 28 x 28 x 1, and images come out in the shape they went in."""
    _build(subject, GREY)


@check()
def check_builds_for_colour_images(subject: Subject) -> None:
    """Encoder and decoder build with the defaults for 32 x 32 x 3, with the same result."""
    _build(subject, COLOUR)


@check()
def check_builds_for_an_odd_size(subject: Subject) -> None:
    """Encoder and decoder build for 31 x 17 x 2: neither even nor square, and with two channels."""
    _build(subject, ODD)


@check()
def check_builds_for_another_latent_size(subject: Subject) -> None:
    """The latent has the requested latent_dim, or the requested latent_shape of the same rank as the default."""
    default = subject.model.latent_shape
    wanted = (default[0] + 3,) if len(default) == 1 else (*default[:-1], default[-1] + 3)
    model = _create(subject, GREY, latent_shape=wanted)
    require(
        model.latent_shape == wanted,
        f"latent_shape={wanted} produced a latent of shape {model.latent_shape}: pass latent_shape on to "
        "zoo.layers.GaussianHead and to keras.Input of the decoder",
    )


@check(slow=True)
def check_builds_for_every_likelihood(subject: Subject) -> None:
    """The decoder outputs as many channels as output_shape asks for: 1 for grey Bernoulli, 100 for colour mixtures."""
    latent = subject.model.latent_shape
    for output_shape in ((*GREY[:2], 1), (*COLOUR[:2], 100)):
        try:
            decoder = subject.architecture.build_decoder(latent, output_shape)
        except Exception as error:
            raise _explain(error) from error
        _expect(np.shape(decoder(np.zeros((2, *latent), "float32"))), (2, *output_shape), "the decoder", output_shape)


def _build(subject: Subject, shape: tuple[int, int, int]) -> None:
    model = _create(subject, shape)
    images = subject.images(shape, 3)
    latent = model.latent_shape
    try:
        encoded = model.encoder(images.astype("float32") / 255, training=False)
        decoded = model.decoder(np.zeros((3, *latent), "float32"), training=False)
        reconstructed = model.reconstruct(images)
    except Exception as error:
        raise CheckFailure(f"the model for {shape} raised {shorten(error)} on three images. {MEND}") from error
    parts = encoded if isinstance(encoded, list | tuple) else [encoded]
    for part in parts:
        _expect(np.shape(part), (3, *latent), "the encoder", shape)
    _expect(np.shape(decoded)[:3], (3, *shape[:2]), "the decoder", shape)
    _expect(reconstructed.shape, (3, *shape), "reconstruct", shape)


def _create(subject: Subject, shape: tuple[int, int, int], **options: Any) -> AutoEncoder:
    try:
        return subject.build(shape, **options)
    except Exception as error:
        raise _explain(error, " (zoo.layers.halved_sizes computes the size of each stage)") from error


def _explain(error: Exception, hint: str = "") -> CheckFailure:
    """Turn an error into a failure; unless it names a way out or is a slip such as a typo, it is likely about sizes."""
    is_slip = isinstance(error.__cause__, SLIPS)
    return CheckFailure(
        one_line(error) if is_slip or getattr(error, "way_out", None) else f"{one_line(error)}. {MEND}{hint}"
    )


def _expect(got: tuple[int, ...], expected: tuple[int, ...], what: str, shape: tuple[int, ...]) -> None:
    require(got == expected, f"{what} returned {got} for {shape}: expected {expected}. {MEND}")
