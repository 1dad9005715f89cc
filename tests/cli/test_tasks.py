import shutil
import socket
from pathlib import Path

import pytest

from core.channels.budget import KIND
from core.numbers import short
from core.tasks import summary
from core.tasks.catalogue import tasks
from core.voting import select, votes
from core.zoo.zoo import ballots, open_zoo
from tests.cli.conftest import Run
from tests.dashboard.paper_zoo import write_paper_zoo
from tests.tasks.folders import loose, make, split_set
from tests.tasks.test_folder import fill


def test_tasks_are_those_of_the_catalogue(run: Run) -> None:
    everything = run("tasks", "--json").document
    assert [one["id"] for one in everything] == [one.id for one in tasks()]
    assert {"id", "dataset", "classes"} <= set(everything[0]) and len(everything[0]["classes"]) == 5
    targets = run("tasks", "--targets", "--json").document
    assert [one["id"] for one in targets] == [one.id for one in tasks("targets")]
    assert [one["id"] for one in run("tasks", "--zoo", "--json").document] == [one.id for one in tasks("zoo")]
    assert run("tasks", "--setting", "emoji-disjoint", "--json").document[0]["id"].startswith("emoji-dz")
    run("tasks", "--setting", "nope").refused(1, "nope", "emoji-disjoint")


def test_the_table_of_tasks_has_a_line_for_each_that_is_not_folded(run: Run) -> None:
    lines = run("tasks", "--targets").out.splitlines()
    for target in tasks("targets"):
        assert any(target.id in line and target.classes[-1] in line for line in lines)


def test_a_data_set_is_downloaded_only_when_asked_and_without_a_network_that_is_one_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    run("prune", "cifar10").refused(1, "python -m core tasks --download cifar10")
    run("tasks", "--download", "cifar10").refused(1, "Downloading cifar10 failed", "check the network")
    run("tasks", "--download", "cifar-10").refused(1, "did you mean cifar10")
    run("tasks", "--download", "cifar10", "--targets").refused(2, "not allowed with")


def test_a_data_set_that_is_here_is_not_downloaded_again(run: Run) -> None:
    document = run("tasks", "--download", "emoji", "--json").document
    assert (document["dataset"], document["downloaded"]) == ("emoji", False)
    assert document["images"] > 1000 and "tool" in document["classes"]
    assert "was here already" in run("tasks", "--download", "emoji").out


def test_the_classes_of_a_data_set_are_listed_with_their_images_and_imbalance(run: Run, tmp_path: Path) -> None:
    found = run("tasks", "--dataset", "emoji", "--classes", "animal-*,tool", "--json").document
    assert found["task"] == "emoji:animal-mammal+animal-bird+animal-marine+tool"
    assert {"name", "title", "train", "validation", "test"} == set(found["classes"][0])
    assert found["imbalance"] == pytest.approx(188 / 87)
    out = run("tasks", "--dataset", "emoji", "--classes", "animal-*,tool").out
    assert "2.2 times" in out and "--sampling balanced" in out and "pixels" in out
    assert any(line.split() == ["tool", "tools", "94", "20", "28"] for line in out.splitlines())
    even = run("tasks", "--dataset", f"folder:{fill(tmp_path, 10)}").out
    assert "times the training images" not in even and "By hash of the file name" in even


def test_a_list_of_classes_that_cannot_be_is_refused(run: Run) -> None:
    run("tasks", "--dataset", "emoji", "--classes", "anml-*").refused(1, "no emoji class like 'anml-*'")
    run("tasks", "--dataset", "emojy").refused(1, "did you mean emoji")
    run("tasks", "--dataset", "folder:/nonesuch").refused(1, "There is no folder /nonesuch")
    run("tasks", "--classes", "a,b").refused(2, "--dataset")
    run("tasks", "--dataset", "emoji", "--targets").refused(2, "not allowed with")


def test_a_task_may_be_named_by_patterns(run: Run) -> None:
    run("neighbours", "--dataset", "emoji", "--classes", "animal-*,anml-*").refused(1, "no emoji class like 'anml-*'")


def test_neighbours_are_those_of_the_zoo_best_first(run: Run) -> None:
    target = tasks("targets")[0]
    found = run("neighbours", target.id, "-k", "3", "--json").document
    expected = open_zoo().neighbours(target, 3)
    assert [(one["task"], one["similarity"]) for one in found] == [(n.task.id, n.similarity) for n in expected]
    assert [one["shared"] for one in found] == [target.shared(n.task) for n in expected]
    similarities = [one["similarity"] for one in found]
    assert similarities == sorted(similarities, reverse=True)
    other = run("neighbours", target.id, "-k", "3", "--similarity", "prototypes", "--json").document
    assert [one["similarity"] for one in other] != similarities
    assert found[0]["task"] in run("neighbours", target.id).out


def test_votes_count_who_kept_each_channel(run: Run) -> None:
    zoo, target = open_zoo(), tasks("targets")[0]
    document = run("votes", target.id, "-k", "3", "--keep", "0.25", "--json").document
    names = [one["task"] for one in document["neighbours"]]
    assert names == [one.task.id for one in zoo.neighbours(target, 3)]
    assert [one["group"] for one in document["groups"]] == list(zoo.groups)
    for group in document["groups"]:
        kept = {name: zoo.selection(name, 0.25).kept[group["group"]] for name in names}
        assert {name: tuple(channels) for name, channels in group["voters"].items()} == kept
        assert group["votes"] == [sum(c in channels for channels in kept.values()) for c in range(group["size"])]
        assert len(group["selected"]) == round(0.25 * group["size"])
        worst = min(group["votes"][channel] for channel in group["selected"])
        out = set(range(group["size"])) - set(group["selected"])
        assert worst >= max(group["votes"][channel] for channel in out)
        assert 0 < group["chance_overlap"] < 1 and 0 <= group["overlap"] <= 1


def test_ties_between_votes_are_broken_by_what_the_zoo_says_without_loading_its_backbone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo = open_zoo(write_paper_zoo(tmp_path / "paper", tie_break=True))
    monkeypatch.setattr("core.zoo.describe.backbone_importance", lambda *_: pytest.fail("loaded the backbone"))
    document = run("votes", "emoji-t00", "--zoo", str(zoo.path), "--keep", "0.3", "--json").document
    counted = votes(ballots(zoo, zoo.neighbours(zoo.targets[0], 5), 0.3))
    expected = select(counted, 0.3, zoo.tie_break())
    assert {one["group"]: tuple(one["selected"]) for one in document["groups"]} == expected.kept
    assert expected != select(counted, 0.3)


def test_votes_of_one_group_are_shown_channel_by_channel(run: Run) -> None:
    group = next(iter(open_zoo().groups))
    (only,) = run("votes", "emoji-t00", "--group", group, "--json").document["groups"]
    assert only["group"] == group
    most = only["votes"].index(max(only["votes"]))
    voters = [name for name, channels in only["voters"].items() if most in channels]
    lines = run("votes", "emoji-t00", "--group", group).out.splitlines()
    assert any(line.split()[:1] == [str(most)] and all(name in line for name in voters) for line in lines)
    assert group in run("votes", "emoji-t00").out
    run("votes", "emoji-t00", "--group", "nope").refused(1, "no channel group 'nope'")


@pytest.mark.slow
@pytest.mark.parametrize("budget", ["", "--keep 0.1 --of params --multiple 8", "--keep 0.3 --allocation global"])
def test_what_votes_selects_is_what_prune_keeps(run: Run, budget: str) -> None:
    from core.channels.files import load_pruned
    from core.runs.store import Store

    votes = run("votes", "emoji-t01", *budget.split(), "--json").document
    chosen = {one["group"]: one["selected"] for one in votes["groups"]}
    document = run("prune", "emoji-t01", "--iterations", "0", "--threads", "1", *budget.split(), "--json").document
    assert {name: votes[name] for name in KIND} == {name: document["requested"][name] for name in KIND}
    assert votes["achieved"] == {name: document["achieved"][name] for name in ("share", "params", "macs")}
    told = run("votes", "emoji-t01", *budget.split()).out
    assert f"{short(votes['achieved']['params'])} parameters" in told and "Overlap: of the channels" in told
    kept = load_pruned(Store().model_path(document["run"])).selection.kept
    assert {name: list(channels) for name, channels in kept.items()} == chosen
    assert document["test_accuracy"] is not None and document["cost"]["iterations"] == 0


@pytest.mark.parametrize("verb", ["neighbours", "votes"])
def test_an_unknown_task_or_class_is_refused(run: Run, verb: str) -> None:
    run(verb, "emoji-t0").refused(1, "no task 'emoji-t0'", "did you mean")
    run(verb, "--dataset", "emoji", "--classes", "tool,plnt").refused(1, "plnt", "plant")
    run(verb, "emoji-t00", "--zoo", "nope").refused(1, "no zoo 'nope'")


def test_what_is_odd_about_a_folders_files_is_listed(run: Run, tmp_path: Path) -> None:
    path = make(tmp_path / "pictures", split_set("train", "test") | loose("annotations") | {"train/cat/notes.txt"})
    (path / "train" / "cat" / "0.png").write_bytes(b"no image")
    shutil.copy(path / "train/cat/1.png", path / "test/dog/1.png")
    found = run("tasks", "--dataset", f"folder:{path}", "--json").document
    assert found["splits"] == {"train": ["train"], "test": ["test"]} and found["checked"]
    assert {one["reason"]: one["count"] for one in found["left_out"]} == {
        "unknown extension": 1, "in a folder that is not a split": 4,
    }  # fmt: skip
    assert found["unreadable"] == {"count": 1, "files": [{"file": "train/cat/0.png", "reason": "not an image"}]}
    (same,) = found["repeats"]["images"]
    assert same["files"] == ["train/cat/1.png", "test/dog/1.png"] and same["splits"][1] == "test"
    out = run("tasks", "--dataset", f"folder:{path}").out
    assert "'train' for training" in out and "4 in a folder that is not a split (annotations/" in out
    assert "1 image cannot be read: train/cat/0.png (not an image)." in out and "more than one class" in out
    skipped = run("tasks", "--dataset", f"folder:{path}", "--skip-unreadable", "--json").document
    assert skipped["skipped"]["count"] == 1 and skipped["unreadable"]["count"] == 0
    assert sum(skipped["images"].values()) == sum(found["images"].values()) - 1


def test_of_too_many_images_none_is_decoded_for_a_list(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "MOST_CHECKED", 7)
    path = make(tmp_path, loose("cat", "dog"))
    (path / "cat" / "0.png").write_bytes(b"no image")
    found = run("tasks", "--dataset", f"folder:{path}", "--json").document
    assert not found["checked"] and found["unreadable"]["count"] == 0
    assert "Image check skipped (over" in run("tasks", "--dataset", f"folder:{path}").out
