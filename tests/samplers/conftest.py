import pytest

SMALLER: dict[str, dict[str, float]] = {
    "training": {"LEARNING_RATE": 5e-3},
    "flow": {"BLOCKS": 3, "WIDTH": 64},
    "two_stage": {"WIDTH": 64},
    "code_prior": {"EMBEDDING": 8, "WIDTH": 24, "BLOCKS": 1},
}


@pytest.fixture(autouse=True, scope="module")
def small_networks():
    """Networks that are trained within seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for module, sizes in SMALLER.items():
            for name, size in sizes.items():
                patch.setattr(f"zoo.samplers.{module}.{name}", size)
        yield
