"""A hierarchical autoencoder: groups of latents at several resolutions, on one path from the top down."""

from collections.abc import Mapping
from typing import Any

from zoo import Architecture, hookimpl

TOP_AT_MOST = 4  # Larger maps are halved; then a single position is the top.


def level_sizes(image_shape: tuple[int, ...], stride: int) -> list[tuple[int, int]]:
    """Return height and width of the levels, the largest first, from the image's over ``stride`` down to 1 x 1."""
    sizes = [(-(-int(image_shape[0]) // stride), -(-int(image_shape[1]) // stride))]
    while max(sizes[-1]) > TOP_AT_MOST:
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes if sizes[-1] == (1, 1) else [*sizes, (1, 1)]


def at_level(values: Any, level: int) -> int:
    """Return the value of a level from a list whose last value is that of all further ones."""
    return int(values[min(level, len(values) - 1)])


def count_latents(image_shape: tuple[int, ...], options: Mapping[str, Any]) -> int:
    """Return the number of latents in all groups."""
    return sum(
        height * width * at_level(options["latents"], level) * at_level(options["groups"], level)
        for level, (height, width) in enumerate(level_sizes(image_shape, options["stride"]))
    )


@hookimpl
def zoo_architectures() -> Any:
    """Return ``ladder``."""
    yield Architecture(
        name="ladder",
        summary="Hierarchical: groups of latents at several resolutions, prior and posterior on one path",
        encoder=f"{__name__}.model:build_encoder",
        decoder=f"{__name__}.model:build_decoder",
        autoencoder="zoo:HierarchicalAutoEncoder",
        defaults={
            "latent_shape": count_latents,
            "stride": 2,
            "widths": [48, 96, 128],
            "groups": [2, 2, 2, 1],
            "latents": [4, 8, 16, 32],
            "blocks": 2,
            "dropout": 0.0,
        },
        size_defaults={
            96: {"stride": 4, "groups": [1, 2, 2, 2, 1]},
            192: {"stride": 8, "groups": [1, 2, 2, 2, 1]},
        },
        source="Child 2021, arXiv:2011.10650; Vahdat and Kautz 2020, arXiv:2007.03898",
    )
