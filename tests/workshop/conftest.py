"""The tiny backbone and the few images of the zoo's own tests."""

from tests.zoo.conftest import backbone_file, quick

__all__ = ["backbone_file", "quick"]
