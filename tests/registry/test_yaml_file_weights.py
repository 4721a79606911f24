"""Weights that a registry file names."""

import pytest

from zoo.registry.yaml_file import merge_files, read_registry_file


@pytest.mark.parametrize(
    "place",
    [
        "x", "{}", "{hub: hf://user/repo@v1}", "{hub: hf://user/repo, sha256: " + "0" * 64 + "}",
        "{hub: https://user/repo@v1, sha256: " + "0" * 64 + "}", "{hub: hf://user/repo@v1, sha256: 00}",
        "{hub: hf://user/repo@v1, sha256: " + "a" * 64 + ", more: 1}",
    ],
)  # fmt: skip
def test_weights_on_the_hub_have_an_address_and_a_hash(refusal, place):
    expected = "a mapping of hub, hf://user/repo@revision, and sha256, of model.safetensors, in 64 digits"
    said = refusal(f"presets:\n  a/b:\n    weights:\n      default: {place}\n")
    assert said == f":5: the weights 'default' are not {expected}"


def test_weights_of_another_config_are_forgotten(write_registry):
    place = "{hub: hf://user/repo@v1, sha256: " + "a" * 64 + "}"
    base = read_registry_file(write_registry(f"presets: {{a/b: {{weights: {{default: {place}}}}}}}"))
    user = read_registry_file(write_registry("presets: {a/b: {config: {latent_dim: 3}}}"))
    assert base.presets["a/b"]["weights"]["default"]["hub"] == "hf://user/repo@v1"
    assert "weights" not in merge_files(base, user).presets["a/b"]
