"""From a config to its events: who votes, and what is refused before any training."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from core.errors import BadFileError, BadValueError, MismatchError, UnknownNameError
from core.paths import ASSETS
from core.pruning.config import RunConfig
from core.pruning.events import Finished, PhaseChanged, Pruned, Slimmed
from core.runs import execute
from core.runs.execute import events_of, ranking
from core.tasks.catalogue import task as task_of
from core.tasks.data import TaskData
from core.zoo.zoo import Zoo, open_zoo
from tests.engine import few_images

EMBEDDED = ASSETS / "zoo" / "emoji-resnet18-simclr"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(execute, "load_task", lambda task, size, skip: TaskData(task, few_images(), size))


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a run gets as far as the pruning loop."""
    monkeypatch.setattr(execute, "prune_events", lambda *_: pytest.fail("started to train"))


def asked(**changes: object) -> RunConfig:
    return RunConfig("emoji-t03", **{"iterations": 2, "batch": 16, "threads": 1, "k": 3} | changes)  # type: ignore[arg-type]


def copied(folder: Path, **about: object) -> str:
    """The embedded zoo with another zoo.json."""
    shutil.copytree(EMBEDDED, folder)
    file = folder / "zoo.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | about))
    return str(folder)


def test_a_run_looks_for_neighbours_first_and_then_votes() -> None:
    events = list(events_of(asked()))
    assert isinstance(events[0], PhaseChanged) and events[0].phase == "neighbours"
    assert [event.phase for event in events if isinstance(event, PhaseChanged)][1] == "selecting"
    assert isinstance(events[2], Pruned) and isinstance(events[-2], Slimmed) and isinstance(events[-1], Finished)


def test_a_method_without_a_zoo_opens_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "open_zoo", lambda *_: pytest.fail("opened a zoo"))
    kinds = [event.kind for event in events_of(asked(method="magnitude", zoo="nowhere", k=None))]
    assert kinds[-1] == "finished"


class Choosing:
    """Whom `ranking` lets vote for a stored target of the embedded zoo."""

    def __init__(self) -> None:
        self.zoo: Zoo = open_zoo()
        self.target = self.zoo.targets[3]
        self.everyone = [each.task.id for each in self.zoo.neighbours(self.target, len(self.zoo.tasks))]

    def __call__(self, **changes: object) -> list[str]:
        data = TaskData(self.target, few_images())
        return [each.task.id for each in ranking(asked(**changes), self.zoo, self.target, data)]


def test_the_nearest_farthest_random_and_all_are_who_they_say() -> None:
    chosen = Choosing()
    assert chosen(k=4) == chosen.everyone[:4]
    assert chosen(k=4, neighbours="farthest") == chosen.everyone[::-1][:4]
    assert chosen(k=4, neighbours="all") == chosen(k=None, neighbours="all") == chosen.everyone
    drawn = [chosen(k=4, neighbours="random", seed=seed) for seed in (0, 0, 1, 2)]
    assert drawn[0] == drawn[1] and drawn[0] != drawn[2] != drawn[3]
    assert all(len(set(ids)) == 4 and set(ids) <= set(chosen.everyone) for ids in drawn)
    assert chosen(k=500, neighbours="all") == chosen.everyone


def test_dynamic_voting_may_call_in_everybody_and_a_control_stays_a_control() -> None:
    chosen = Choosing()
    assert chosen(k=4, dynamic=True) == chosen.everyone
    assert len(chosen(k=4, dynamic=True, neighbours="random")) == 4


@pytest.mark.parametrize("neighbours", ["nearest", "farthest", "random"])
def test_more_neighbours_than_the_zoo_has_are_refused(neighbours: str, untrained: None) -> None:
    with pytest.raises(BadValueError, match="K is 500"):
        list(events_of(asked(k=500, neighbours=neighbours)))


def test_a_zoo_of_another_backbone_is_refused_before_any_training(tmp_path: Path, untrained: None) -> None:
    zoo = copied(tmp_path / "other", backbone_hash="f" * 64, backbone="another")
    with pytest.raises(MismatchError, match="made on the backbone another, not on emoji-resnet18-simclr"):
        list(events_of(asked(zoo=zoo)))
    zoo = copied(tmp_path / "earlier", backbone_hash="f" * 64)
    with pytest.raises(MismatchError, match="made on another backbone that is also called emoji-resnet18-simclr"):
        list(events_of(asked(zoo=zoo)))


def test_a_damaged_neighbour_is_refused_before_any_training(tmp_path: Path, untrained: None) -> None:
    zoo = copied(tmp_path / "damaged")
    for file in (tmp_path / "damaged" / "models").iterdir():
        file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(BadFileError, match="damaged, truncated"):
        list(events_of(asked(zoo=zoo)))


@pytest.mark.parametrize(
    "changes, kind", [({"zoo": "nowhere"}, "zoo"), ({"backbone": "nothing"}, "backbone")], ids=["zoo", "backbone"]
)
def test_unknown_names_are_refused_before_any_training(changes: dict[str, str], kind: str, untrained: None) -> None:
    with pytest.raises(UnknownNameError, match=f"There is no {kind} '{next(iter(changes.values()))}'"):
        list(events_of(asked(**changes)))
    with pytest.raises(UnknownNameError, match="There is no task"):
        list(events_of(RunConfig("emoji-t99")))


def test_finding_neighbours_counts_into_the_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = {}
    monkeypatch.setattr(execute, "prune_events", lambda *given: spent.update(given[6]) or iter(()))
    list(events_of(asked()))
    assert spent["seconds"] > 0 and spent["cpu_seconds"] > 0
    assert task_of("emoji-t03").id == "emoji-t03"
