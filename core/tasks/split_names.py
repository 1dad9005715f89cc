"""Names of folders: those that mean a split, and those that go with images and are hardly classes."""

import re

from core.tasks.images import TEST, TRAIN, VALIDATION

EVALUATION = "evaluation"  # validation, or test if another folder is validation and none is test
_WORDS = {
    TRAIN: "train training trains trn",
    VALIDATION: "val valid validation validate validating dev devel development",
    TEST: "test testing tests tst holdout",
    EVALUATION: "eval evaluation evaluate",
}
_SPLIT_OF = {word: split for split, words in _WORDS.items() for word in words.split()}
_FILLERS = ("set", "sets", "data", "dataset", "image", "images", "img", "imgs", "split", "folder", "pictures", "photos",
            "samples", "examples", "part", "subset")  # fmt: skip
_BESIDE_IMAGES = """
annotation annotations label labels mask masks image images img imgs jpegimages metadata meta docs segmentation
segmentations bbox bboxes trimap trimaps groundtruth gt preview previews thumbnail thumbnails
"""
_NO_CLASSES = frozenset(_BESIDE_IMAGES.split())  # names of folders that go with images, and are hardly classes


def split_named(name: str) -> tuple[str, tuple[str, ...]] | None:
    """(the split that a folder's name means, the other words in the name); None for a name that means none.

    "Training", "val2017", "test_images", "TrainSet" mean a split alone; "seg_train" means one of the splits of "seg".
    """
    words = [_without_filler(word.lower()) for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    found = [word for word in words if word in _SPLIT_OF]
    if len(found) != 1:
        return None
    rest = tuple(word for word in words if word not in _SPLIT_OF and word not in _FILLERS)
    return _SPLIT_OF[found[0]], rest


def _without_filler(word: str) -> str:
    """ "trainset" and "testimages" as "train" and "test"."""
    for filler in _FILLERS:
        if word.endswith(filler) and word.removesuffix(filler) in _SPLIT_OF:
            return word.removesuffix(filler)
    return word


def goes_with_images(name: str) -> bool:
    """Whether a folder's name says that it goes with images, as "annotations" does."""
    words = re.findall(r"[a-z]+", name.lower())
    return bool(words) and all(word in _NO_CLASSES for word in words)
