"""Checks that the builders build models with the right shapes for images of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import one_line
from zoo.registry.fields import show_patterns
from zoo.testing.rule import CheckFailure, CheckSkipped, check, require, shorten
from zoo.testing.shapes import show_shape
from zoo.testing.subject import to_tensor

if TYPE_CHECKING:
    from zoo.autoencoder.model import AutoEncoder
    from zoo.testing.shapes import Shape
    from zoo.testing.subject import Subject

SLIPS = (NameError, ImportError, AttributeError, SystemExit)
SIZES = "derive every size in the builders from image_shape, latent_shape and output_shape"
DECLARE = "or declare the shapes it is for, such as Architecture(image_shapes=((64, 64, 3),))"


@check()
def check_builds_for_grey_images(subject: Subject) -> None:
    """Encoder and decoder build with the defaults for 28 x 28 x 1, and images come out in the shape they went in."""
    _build(subject, subject.shapes.with_channels(1), "grey images")


@check()
def check_builds_for_colour_images(subject: Subject) -> None:
    """Encoder and decoder build with the defaults for 32 x 32 x 3, with the same result."""
    _build(subject, subject.shapes.with_channels(3), "coloured images")


@check()
def check_builds_for_an_odd_size(subject: Subject) -> None:
    """Encoder and decoder build for 31 x 17 x 2: neither even nor square, and with two channels."""
    _build(subject, subject.shapes.odd, "images of an odd size")


@check()
def check_builds_for_its_image_shapes(subject: Subject) -> None:
    """Encoder and decoder build for every shape that ``image_shapes`` declares, or the one that is asked for."""
    for shape in sorted(subject.shapes.listed, key=lambda shape: shape != subject.shape):
        _build(subject, shape, "")


@check()
def check_builds_for_another_latent_size(subject: Subject) -> None:
    """The latent has the requested latent_dim, or the requested latent_shape of the same rank as the default."""
    default = subject.model.latent_shape
    wanted = (default[0] + 3,) if len(default) == 1 else (*default[:-1], default[-1] + 3)
    model = _create(subject, subject.shape, latent_shape=wanted)
    require(
        model.latent_shape == wanted,
        f"latent_shape={wanted} produced a latent of shape {model.latent_shape}: pass latent_shape on to "
        "zoo.layers.GaussianHead and to keras.Input of the decoder",
    )


@check(slow=True)
def check_builds_for_every_likelihood(subject: Subject) -> None:
    """The decoder outputs as many channels as output_shape asks for: 1 for grey Bernoulli, 100 for colour mixtures."""
    subject.model  # noqa: B018 - skips the check if the model cannot be built
    for shape, channels in ((subject.shape, 1), (subject.shapes.with_channels(3) or subject.shape, 100)):
        latent, output_shape = subject.latent_shape(shape), (*shape[:2], channels)
        try:
            decoder = subject.architecture.build_decoder(latent, output_shape)
        except Exception as error:
            raise _explain(subject, error) from error
        got = np.shape(decoder(np.zeros((2, *latent), "float32")))
        _expect(got, (2, *output_shape), "the decoder", output_shape, SIZES)


def _build(subject: Subject, shape: Shape | None, kind: str) -> None:
    if shape is None:
        patterns = subject.architecture.image_shapes
        wanted = show_shape(subject.shapes.given) if subject.shapes.given else show_patterns(patterns or ())
        raise CheckSkipped(f"it is checked for images of {wanted} alone, which are not {kind}")
    model = _create(subject, shape)
    images = subject.images(shape, 3)
    latent, mend = model.latent_shape, _mend(subject)
    try:
        encoded = model.posterior_parameters(to_tensor(images.astype("float32") / 255))
        decoded = model.decoder(np.zeros((3, *latent), "float32"), training=False)
        reconstructed = model.reconstruct(images)
    except Exception as error:
        raise CheckFailure(f"the model for {shape} raised {shorten(error)} on three images. {mend}") from error
    for part in encoded:
        _expect(np.shape(part), (3, *latent), "the encoder", shape, mend)
    _expect(np.shape(decoded)[:3], (3, *shape[:2]), "the decoder", shape, mend)
    _expect(reconstructed.shape, (3, *shape), "reconstruct", shape, mend)


def _create(subject: Subject, shape: Shape, **options: Any) -> AutoEncoder:
    """Build a model; of the one that most checks use, the builders are called only once."""
    try:
        if shape == subject.shape and not options:
            return subject.build_model
        subject.model  # noqa: B018 - skips the check if that one cannot be built
        return subject.build(shape, **options)
    except CheckSkipped:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _explain(subject, error, " (zoo.layers.halved_sizes computes the size of each stage)") from error


def _explain(subject: Subject, error: BaseException, hint: str = "") -> CheckFailure:
    """Turn an error into a failure; unless it names a way out or is a slip such as a typo, it is likely about sizes."""
    if isinstance(error.__cause__, SLIPS) or getattr(error, "way_out", None):
        return CheckFailure(one_line(error))
    return CheckFailure(f"{one_line(error)}. {_mend(subject, hint)}")


def _mend(subject: Subject, hint: str = "") -> str:
    declared = subject.architecture.image_shapes is not None or subject.shapes.given is not None
    return f"{SIZES}{hint}" + ("" if declared else f", {DECLARE}")


def _expect(got: tuple[int, ...], expected: tuple[int, ...], what: str, shape: tuple[int, ...], mend: str) -> None:
    require(got == expected, f"{what} returned {got} for {shape}: expected {expected}. {mend}")
