"""Architectures that break one rule each: name -> the checks that it fails, and a word of the mend."""

from support.wrong_architectures import built, decoded, encoded, hierarchical, kept, trained
from support.wrong_architectures.parts import CASES

__all__ = ["CASES", "built", "decoded", "encoded", "hierarchical", "kept", "trained"]
