"""Work spread over processes: all of it is done, and nothing outlives its parent, a failure or a stop."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from core.errors import BadValueError, MetaVoteError
from core.workers import detached, in_processes

SECONDS = 30


def squared(number: int) -> int:
    return number * number


def refused(number: int) -> int:
    if number == 0:
        raise BadValueError("Nothing is not enough.")
    time.sleep(SECONDS)
    return number


def left(number: int) -> int:
    time.sleep(SECONDS * min(number, 1))
    return number


def gone(number: int) -> int:
    os._exit(3)


def asleep(file: str) -> None:
    Path(file).write_text(str(os.getpid()))
    time.sleep(10 * SECONDS)


def threads_of(_: int) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


def interrupts(_: int) -> str:
    return str(signal.getsignal(signal.SIGINT))


def ends(pid: int) -> bool:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


def test_every_item_comes_back_with_its_result() -> None:
    assert dict(in_processes(squared, range(7), 2)) == {number: number * number for number in range(7)}


def test_processes_have_the_threads_asked_for_and_this_one_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert dict(in_processes(threads_of, [0], 1, threads=3)) == {0: "3"}
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_processes_leave_interrupts_to_this_one() -> None:
    mine = signal.getsignal(signal.SIGINT)
    assert dict(in_processes(interrupts, [0], 1)) == {0: str(signal.SIG_IGN)}
    assert signal.getsignal(signal.SIGINT) is mine


def test_a_failure_ends_the_others_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(BadValueError, match="Nothing is not enough"):
        list(in_processes(refused, range(6), 2))
    assert time.monotonic() - began < SECONDS


def test_no_process_is_left_after_a_failure() -> None:
    for _ in range(10):  # what reaps them is a thread: once proves nothing
        with pytest.raises(BadValueError):
            list(in_processes(refused, range(6), 2))
        assert multiprocessing.active_children() == []


def test_what_a_caller_leaves_early_ends_at_once() -> None:
    began = time.monotonic()
    results = in_processes(left, range(6), 2)
    assert next(results) == (0, 0)
    results.close()
    assert time.monotonic() - began < SECONDS
    assert multiprocessing.active_children() == []


def test_a_process_that_dies_is_told_in_a_sentence() -> None:
    with pytest.raises(MetaVoteError, match="worker process ended"):
        list(in_processes(gone, [1], 1))


def test_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    code = f"from tests.test_workers import asleep, in_processes\nlist(in_processes(asleep, [{str(file)!r}], 1))"
    parent = subprocess.Popen([sys.executable, "-c", code])
    end = time.monotonic() + SECONDS
    while not (file.exists() and file.read_text()) and time.monotonic() < end:
        time.sleep(0.1)
    parent.kill()
    parent.wait()
    assert ends(int(file.read_text()))


def test_a_detached_process_is_of_its_own_session_and_knows_its_user_folder_and_threads(tmp_path: Path) -> None:
    log = tmp_path / "new" / "log.txt"
    child = detached("http.server", "0", "--bind", "127.0.0.1", log=log, threads=3, folder=tmp_path)
    try:
        assert os.getsid(child.pid) == child.pid != os.getsid(0)
        known: dict[str, str] = {}
        while known.get("OMP_NUM_THREADS") != "3":  # between fork and exec it still shows this process's environment
            known = psutil.Process(child.pid).environ()
        assert known["METAVOTE_HOME"] == str(tmp_path)
    finally:
        child.kill()
        child.wait()


def test_what_a_detached_process_says_is_added_to_its_log_unless_a_fresh_one_is_wanted(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    for fresh, lines in ((False, 1), (False, 2), (True, 1)):
        assert detached("no_such_module", log=log, threads=1, fresh_log=fresh).wait() == 1
        assert log.read_text().count("no_such_module") == lines


def test_a_process_that_cannot_be_started_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MetaVoteError, match="No process can be started .*: check the folder"):
        detached("http.server", log=tmp_path / "file" / "log.txt", threads=1)
