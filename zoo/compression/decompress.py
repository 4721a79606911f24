"""``zoo.decompress``: a file to the images that were written, or an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.autoencoder.model import AutoEncoder
from zoo.compression.coding import ImageCoder, hash_images
from zoo.compression.container import Header, read_file
from zoo.compression.fingerprint import describe_machine, describe_weights, list_differences, name_of
from zoo.data.memory import explain_shortage
from zoo.errors import CompressionError
from zoo.progress import show_progress


def decompress(path: str | Path, model: AutoEncoder, *, progress: bool = False) -> npt.NDArray[np.uint8]:
    """Return the images of a file that ``zoo.compress`` has written.

    Args:
        path: the file; it may come from elsewhere.
        model: the model that it was written with.
        progress: show progress on stderr.

    Returns:
        ``(n, H, W, C)``, uint8, exactly those that were written.

    Raises:
        CompressionError: it is damaged or another kind of file, the model is another one, the networks give other
            numbers here than where it was written, the images do not fit into memory, or ``constriction`` is not
            installed.
        OSError: it cannot be read.
    """
    path = Path(path)
    header, words = read_file(path)
    _check_model(path, header, model)
    shortage = explain_shortage(header.values)
    if shortage is not None:
        raise CompressionError(f"{path}: its {header.images:,} images need {shortage}")
    coder = ImageCoder(model, header.batch, header.latent_bits)
    try:
        with show_progress("restoring", header.images, progress) as advance:
            images = coder.decode(words, header.images, advance)
    except CompressionError as error:
        raise CompressionError(f"{path}: {error}") from error
    if hash_images(images) != header.sha256:
        differences = list_differences(dict(header.written_with), describe_machine())
        unknown = "nothing that it records is different: another processor may be, or a setting such as oneDNN's"
        raise CompressionError(
            f"{path}: its images do not come back, since the networks give other numbers here than where it was "
            f"written ({differences or unknown}): restore it there"
        )
    return images


def _check_model(path: Path, header: Header, model: AutoEncoder) -> None:
    found = describe_weights(model)
    if (header.weights, header.image_shape) == (found, model.image_shape):
        return
    needed, given = (
        f"{name or 'a model without a name'} (SHA-256 {sha256[:12]}...)"
        for name, sha256 in ((header.model, header.weights), (name_of(model), found))
    )
    raise CompressionError(f"{path} was written with {needed}, and the model given is {given}: pass the former")
