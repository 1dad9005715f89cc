import dataclasses
import os
import platform
import subprocess
import sys
import time

import pytest

from core.pruning.config import RunConfig
from core.runs.processes import Worker, alive, this_worker
from core.runs.record import RunRecord
from core.runs.status import classify, current

NOW = 1_000_000.0
JUST_NOW, LONG_AGO = NOW - 1, NOW - 3600


def record(status: str, heartbeat: float | None = JUST_NOW) -> RunRecord:
    return RunRecord("mvp-a-1", RunConfig("a"), status, NOW - 7200, heartbeat=heartbeat)


@pytest.mark.parametrize("status", ["queued", "cancelled", "finished", "failed"])
@pytest.mark.parametrize("lives", [True, False, None])
@pytest.mark.parametrize("heartbeat", [None, LONG_AGO, JUST_NOW])
def test_a_run_without_worker_is_what_the_store_says(status: str, lives: bool | None, heartbeat: float | None) -> None:
    assert classify(record(status, heartbeat), NOW, lives) == status


@pytest.mark.parametrize(
    "status, heartbeat, lives, expected",
    [
        ("running", JUST_NOW, True, "running"),
        ("cancelling", JUST_NOW, True, "cancelling"),
        # a laptop that slept: the process is there, its heartbeat is old
        ("running", LONG_AGO, True, "running"),
        ("cancelling", LONG_AGO, True, "cancelling"),
        # killed a moment ago, the heartbeat still fresh; also: its process number now is another process's
        ("running", JUST_NOW, False, "lost"),
        ("running", LONG_AGO, False, "lost"),
        # killed while it was being cancelled: stopped, as was asked
        ("cancelling", JUST_NOW, False, "cancelled"),
        # a worker on another machine, known by its heartbeat alone
        ("running", JUST_NOW, None, "running"),
        ("running", LONG_AGO, None, "lost"),
        ("running", None, None, "lost"),
        ("cancelling", JUST_NOW, None, "cancelling"),
        ("cancelling", LONG_AGO, None, "cancelled"),
        # clocks of two machines differ: a heartbeat from the future is no silence
        ("running", NOW + 60, None, "running"),
    ],
)
def test_a_run_with_worker_is_what_the_worker_is(
    status: str, heartbeat: float | None, lives: bool | None, expected: str
) -> None:
    assert classify(record(status, heartbeat), NOW, lives) == expected


def test_this_process_lives() -> None:
    assert alive(**vars(this_worker())) is True


def test_a_process_with_the_same_number_and_another_start_is_another_one(dead: Worker) -> None:
    assert alive(**vars(dead)) is False


def test_start_times_may_be_read_a_little_differently_each_time(me: Worker) -> None:
    assert alive(me.machine, me.pid, me.process_started + 1) is True


def test_a_process_that_ended_is_dead_even_before_its_parent_has_asked(me: Worker) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and left a zombie
    assert alive(platform.node(), child.pid, time.time()) is False
    child.wait()
    assert alive(platform.node(), child.pid, time.time()) is False


def test_another_machine_cannot_be_looked_into() -> None:
    assert alive("elsewhere", 1, 0.0) is None


def test_a_run_without_process_is_lost() -> None:
    assert current(record("running")) == "lost"


def test_a_running_run_of_this_process_runs(me: Worker) -> None:
    assert current(dataclasses.replace(record("running", LONG_AGO), **vars(me))) == "running"
