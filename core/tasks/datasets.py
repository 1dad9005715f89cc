"""The data sets by name: one registry; every entry loads to an `ImageSet`."""

from core.tasks.images import ImageSet
from core.tasks import emoji
def load_dataset(name: str) -> ImageSet:
    return emoji.load()
