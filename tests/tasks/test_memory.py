"""What images take in memory."""

import numpy as np
import pytest

from core.errors import BadValueError
from core.tasks import memory
from core.tasks.memory import Images, Kept, check_fits, image_bytes


def test_memory_is_counted_as_stored_and_refused_with_what_training_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert image_bytes(10, 32) == np.empty((10, 32, 32, 3), np.uint8).nbytes
    monkeypatch.setattr(memory, "physical_memory", lambda: 5 * image_bytes(10, 32))
    check_fits("these", 10, 32)
    with pytest.raises(BadValueError, match="The 11 images of these take"):
        check_fits("these", 11, 32)


def test_this_machine_has_some_memory() -> None:
    assert memory.physical_memory() > 10**8


def test_what_was_asked_for_longest_ago_goes_first_and_nothing_is_kept_beyond_the_limit() -> None:
    kept, made = Kept(250), list[str]()

    def get(key: str, size: int = 100) -> int:
        def make() -> Images:
            made.append(key)
            return np.zeros(size, np.uint8)

        return len(kept.get(key, make))

    assert [get(key) for key in "abab"] == [100] * 4 and made == ["a", "b"]
    get("c")  # b was asked for last, so a goes
    assert kept.bytes == 200
    get("b"), get("a")
    assert made == ["a", "b", "c", "a"]
    assert get("large", 1000) == 1000 and kept.bytes == 0


def test_the_fewest_are_kept_whatever_their_size() -> None:
    kept: Kept[Images] = Kept(0, fewest=2)
    first, second, third = (np.zeros(size, np.uint8) for size in (10, 1000, 10))
    assert kept.get("a", lambda: first) is kept.get("a", lambda: second) is first
    kept.get("b", lambda: second), kept.get("c", lambda: third)
    assert kept.bytes == 1010 and kept.get("a", lambda: third) is third
