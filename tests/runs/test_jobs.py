"""Work beside the queue is ended by who may: this machine, and only the very process that was started."""

import json
import platform
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from core.errors import BadValueError
from core.runs import jobs
from core.runs.jobs import Progress, say, stop, worker_of
from core.runs.processes import Worker, end, worker_with


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait()


@pytest.fixture
def worker(sleeper: "subprocess.Popen[bytes]") -> Worker:
    return worker_with(sleeper.pid)


def at_work(folder: Path, worker: Worker) -> Path:
    (folder / jobs.WORKER).write_text(json.dumps(asdict(worker)))
    say(folder, Progress(1, 2, time.time(), time.time()))
    return folder


def test_the_process_of_a_folder_is_ended(sleeper: "subprocess.Popen[bytes]", worker: Worker, tmp_path: Path) -> None:
    stop(at_work(tmp_path, worker))
    assert not psutil.pid_exists(sleeper.pid) and worker_of(tmp_path) is None
    stop(tmp_path)  # nothing is left to be ended


def test_a_process_here_is_not_ended_for_having_the_number_of_another_machines_worker(
    sleeper: "subprocess.Popen[bytes]", worker: Worker, tmp_path: Path
) -> None:
    elsewhere = replace(worker, machine=f"not-{platform.node()}")
    with pytest.raises(BadValueError, match=f"on {elsewhere.machine} is at work .*: stop it there, or wait"):
        stop(at_work(tmp_path, elsewhere))
    end(elsewhere)
    assert sleeper.poll() is None
    say(tmp_path, Progress(1, 2, 0, time.time() - 2 * jobs.SILENT_AFTER))
    stop(tmp_path)  # silent for so long, it counts as gone
    assert sleeper.poll() is None


def test_a_process_that_was_given_the_number_of_an_earlier_one_is_left_alone(
    sleeper: "subprocess.Popen[bytes]", worker: Worker, tmp_path: Path
) -> None:
    earlier = replace(worker, process_started=worker.process_started - 3600)
    end(earlier)
    stop(at_work(tmp_path, earlier))
    assert sleeper.poll() is None


@pytest.mark.parametrize("trouble", [psutil.NoSuchProcess(1), psutil.AccessDenied(1)])
def test_one_that_ends_meanwhile_or_is_not_ours_is_no_trouble(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, trouble: psutil.Error
) -> None:
    def refuse(self: psutil.Process) -> None:
        raise trouble

    monkeypatch.setattr(psutil.Process, "terminate", refuse)
    end(worker)
    assert psutil.pid_exists(worker.pid)
