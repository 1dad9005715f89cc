"""Trying a run before training: the numbers of the run itself, from a process of its own that answers what is asked."""

import json
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from core.errors import BadValueError
from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Pruned
from core.runs import previews
from core.runs.preview_worker import GONE, Desk, work
from core.runs.previews import Post, Reply
from core.runs.processes import Worker, this_worker


def config(**settings: object) -> RunConfig:
    return RunConfig("emoji-t02", **{"iterations": 0, "threads": 1} | settings)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"k": 3, "keep": 0.35, "weighting": "similarity", "weights": "pretrained"},
        {"chosen": ("emoji-z07", "emoji-z20")},
        {"method": "dense"},
    ],
)
def test_a_preview_is_what_the_run_itself_evaluates_before_training(settings: dict[str, object]) -> None:
    from core.runs.execute import events_of
    from core.runs.preview import preview

    asked = config(**settings)
    preview(config(keep=0.5))  # what is kept warm must not show
    found, again = preview(asked), preview(asked)
    events = list(events_of(asked))
    first = next(event for event in events if isinstance(event, Evaluation))
    assert found == again
    assert found.accuracy == first.accuracy
    pruned = [event for event in events if isinstance(event, Pruned)]
    finished = events[-1]
    assert (found.params, found.macs) == (
        (pruned[0].params, pruned[0].macs) if pruned else (finished.dense["params"], finished.dense["macs"])
    )


@pytest.mark.parametrize("settings", [{"iterations": 5}, {"method": "taylor"}, {"threads": 2}])
def test_what_needs_training_is_no_preview(settings: dict[str, object]) -> None:
    from core.runs.preview import checked

    with pytest.raises(BadValueError, match="tried without training"):
        checked(config(**settings).to_dict())


# -- the desk: who wants what


def wish(name: str) -> dict[str, object]:
    return {"zoo": "none-of-that-name", "name": name}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_newer_wishes_replace_those_that_were_not_begun() -> None:
    desk = Desk()
    desk.ask("a", [wish("k = 3"), wish("curve of k = 3")])
    desk.ask("a", [wish("k = 4")])
    begun = []
    while (found := desk.next(0)) is not None:
        begun.append(found[1]["name"])
        desk.put(found[0], {"accuracy": 0.5})
    assert begun == ["k = 4"]
    assert desk.ask("a", [wish("k = 4"), wish("k = 5")])["answers"] == [{"accuracy": 0.5}, None]


def test_what_somebody_waits_for_comes_before_anybodys_curve() -> None:
    desk = Desk()
    desk.ask("a", [wish("a first"), wish("a curve")])
    desk.ask("b", [wish("b first"), wish("b curve")])
    begun = []
    while (found := desk.next(0)) is not None:
        begun.append(found[1]["name"])
        desk.put(found[0], {})
    assert set(begun[:2]) == {"a first", "b first"} and set(begun[2:]) == {"a curve", "b curve"}


def test_a_curve_at_work_makes_way_for_what_somebody_waits_for_and_is_taken_up_again() -> None:
    desk = Desk()
    desk.ask("a", [wish("a"), wish("curve")])
    desk.put(desk.next(0)[0], {})  # type: ignore[index]
    key, settings = desk.next(0)  # type: ignore[misc]
    assert settings["name"] == "curve" and not desk.stale
    desk.ask("a", [wish("curve")])
    assert not desk.stale
    desk.ask("a", [wish("b"), wish("curve")])
    assert desk.stale
    desk.put(key, None)
    begun = []
    while (found := desk.next(0)) is not None:
        assert not desk.stale
        begun.append(found[1]["name"])
        desk.put(found[0], {})
    assert begun == ["b", "curve"]


@pytest.mark.slow
def test_a_preview_nobody_wants_any_more_is_dropped_and_leaves_nothing_behind() -> None:
    from core.runs.preview import Dropped, preview

    before, layers = preview(config()), iter([False] * 30 + [True] * 1000)
    with pytest.raises(Dropped):
        preview(config(keep=0.7), stale=lambda: next(layers))
    assert preview(config()) == before


def test_the_wishes_of_a_client_that_has_gone_are_forgotten() -> None:
    clock = Clock()
    desk = Desk(clock)
    desk.ask("a", [wish("a")])
    clock.now = GONE + 1
    assert desk.next(0) is None


def test_the_process_ends_when_nobody_has_asked_for_a_while_and_when_its_post_is_taken() -> None:
    clock = Clock()
    desk = Desk(clock)
    desk.ask("a", [wish("a")])
    done: list[object] = []

    def compute(settings: object, doing: object, stale: object) -> dict[str, object]:
        done.append(settings)
        clock.now += 11
        return {}

    work(desk, lambda: True, compute, idle=10)
    assert len(done) == 1
    desk.ask("a", [wish("b")])
    work(desk, lambda: False, compute, idle=10)
    assert len(done) == 1


# -- the post: who has it


@pytest.fixture
def fresh(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user folder, and a process that has talked to no worker yet."""
    monkeypatch.setattr(previews, "_here", previews._Here())
    return home


def gone() -> Post:
    return Post(Worker(this_worker().machine, 2**22 - 1, 1.0), 1, "key")


def test_one_process_has_the_post_and_its_key_is_for_this_user_alone(fresh: Path) -> None:
    mine = Post(this_worker(), 1234, previews.new_key())
    assert previews.claim(gone()) and previews.claim(mine)
    assert not previews.claim(Post(this_worker(), 99, "another"))
    assert previews.read() == mine
    assert stat.S_IMODE(os.stat(fresh / "preview" / "worker.json").st_mode) == 0o600
    previews.leave(gone())
    assert previews.read() == mine
    previews.leave(mine)
    assert previews.read() is None


def test_a_process_is_started_once_however_often_one_asks(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def spawn() -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        return started[-1]

    monkeypatch.setattr(previews, "_spawn", spawn)
    replies = [previews.ask("a", [config()]) for _ in range(3)]
    assert [reply.state for reply in replies] == ["starting"] * 3 and replies[0].answers == (None,)
    assert len(started) == 1
    started[0].kill()
    started[0].wait()
    assert previews.ask("a", [config()]).state == "failed"
    previews.restart()
    assert len(started) == 2
    started[1].kill()
    started[1].wait()


def test_a_process_this_one_knew_has_died_where_it_is_gone_and_one_it_never_met_is_replaced(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    monkeypatch.setattr(previews, "_spawn", lambda: started.append(1) or subprocess.Popen(["true"]))
    previews.claim(gone())
    assert previews.ask("a", [config()]).state == "starting" and started == [1]
    monkeypatch.setattr(previews, "_here", previews._Here())
    previews._here.known = gone().worker
    assert previews.ask("a", [config()]).state == "died" and started == [1]
    previews.restart()
    assert started == [1, 1]


@pytest.fixture
def worker(fresh: Path) -> Iterator[Path]:
    yield fresh
    if (post := previews.read()) is not None:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(post.worker.pid).kill()


def answered(configs: list[RunConfig], seconds: float = 200) -> Reply:
    end = time.monotonic() + seconds
    while True:
        reply = previews.ask("test", configs)
        if all(reply.answers) or reply.state in ("died", "failed") or time.monotonic() > end:
            return reply
        time.sleep(0.1)


@pytest.mark.slow
def test_a_real_process_answers_refuses_strangers_and_comes_back_after_a_kill(worker: Path) -> None:
    asked = [config(), config(keep=0.4), RunConfig("emoji-t99", iterations=0, threads=1)]
    first = answered(asked)
    assert first.state == "working", previews.log_tail()
    good, other, unknown = first.answers
    assert good is not None and other is not None and unknown is not None
    assert good["params"] < other["params"] and 0 < good["accuracy"] <= 1
    assert "There is no task 'emoji-t99'" in unknown["error"]
    post = previews.read()
    assert post is not None
    with socket.create_connection(("127.0.0.1", post.port), 5) as line:
        line.sendall(json.dumps({"key": "guess", "client": "x", "wanted": []}).encode() + b"\n")
        assert line.makefile("rb").readline() == b""
    psutil.Process(post.worker.pid).kill()
    psutil.Process(post.worker.pid).wait(20)
    assert previews.ask("test", asked).state == "died"
    previews.restart()
    assert answered(asked[:1]).answers[0] == good
