"""What a data set holds, class by class."""

import json
from pathlib import Path

import pytest

from core.errors import MissingDataError, UnknownNameError
from core.tasks import catalogue, decode
from core.tasks.data import load_task
from core.tasks.summary import summarise
from tests.tasks.test_folder import fill, fill_imagenet, picture


def test_the_counts_are_those_of_the_images_a_task_of_these_classes_has() -> None:
    found = summarise("emoji", ["animal-*", "tool"])
    data = load_task(catalogue.task(found.task))
    assert tuple(one.name for one in found.classes) == data.task.classes
    assert found.images == {"train": len(data.train), "validation": len(data.validation), "test": len(data.test)}
    assert [one.train for one in found.classes] == [int((data.train.labels == n).sum()) for n in range(4)]
    assert found.classes[0].title == "mammals"


def test_a_folder_is_counted_without_decoding_any_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "decode_file", lambda *_: pytest.fail("decoded"))
    fill_imagenet(tmp_path)
    for n in range(20):
        picture(tmp_path / "train" / "n01440764" / f"more{n}.JPEG")
    found = summarise(f"folder:{tmp_path}")
    assert [(one.train, one.validation, one.test) for one in found.classes] == [(25, 5, 4), (8, 2, 4)]
    assert found.imbalance == 25 / 8 and "'val' for test" in found.split
    assert found.task == f"folder:{tmp_path}" and found.bytes[32] == 48 * 32 * 32 * 3
    assert json.loads(json.dumps(found.to_dict()))["images"] == {"train": 33, "validation": 7, "test": 8}


def test_what_is_not_there_is_refused(tmp_path: Path, home: Path) -> None:
    with pytest.raises(MissingDataError):
        summarise("cifar10")
    with pytest.raises(UnknownNameError, match="did you mean emoji"):
        summarise("emojis")
    with pytest.raises(UnknownNameError, match="class like 'x\\*'"):
        summarise(f"folder:{fill(tmp_path, 3)}", ["x*"])
