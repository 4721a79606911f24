"""CelebA: 202,599 photographs of faces (Liu, Luo, Wang and Tang, 2015, arXiv:1411.7766)."""

from collections.abc import Iterator

from zoo import DatasetSpec, hookimpl


@hookimpl
def zoo_datasets() -> Iterator[DatasetSpec]:
    """Return ``celeba``; ``registry.yaml`` has its recipe."""
    yield DatasetSpec(
        name="celeba",
        summary="Photographs of faces: 162,770 train, 19,867 validation, 19,962 test",
        image_shape=(64, 64, 3),
        classes=("not smiling", "smiling"),
        load=f"{__name__}.data:load",
    )
