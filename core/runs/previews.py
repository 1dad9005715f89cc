"""Asking for previews: what a run would reach before any training. Torch-free; a process of its own does the work.

The process (`core.runs.preview_worker`) is started where none lives, one for a user folder, outlives this one, and is
found again by the file it leaves: where it listens, and a key that only this user can read.
"""

import json
import os
import secrets
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.errors import MetaVoteError
from core.paths import home
from core.pruning.config import RunConfig
from core.runs.processes import Worker, alive
from core.workers import detached
from core.zoo.zoo import find_zoo, version_of

PATIENCE = 0.5  # seconds that an answer may take; it is only ever looked up, not computed meanwhile
LOG = "worker.log"

State = Literal["starting", "working", "died", "failed"]


@dataclass(frozen=True)
class Post:
    """The worker that has the post, and where and with what key it listens."""

    worker: Worker
    port: int
    key: str


@dataclass(frozen=True)
class Reply:
    """What is known of each wish (None: not yet), and how the worker is.

    doing: what it does, in words, or why it failed. An answer is {"accuracy", "params", "macs"} or {"error"}.
    """

    state: State
    doing: str
    answers: tuple[Mapping[str, Any] | None, ...]


class _Here:
    """What this process remembers: its children, and the worker it has talked to."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.child: subprocess.Popen[bytes] | None = None
        self.known: Worker | None = None


_here = _Here()


def ask(client: str, configs: Sequence[RunConfig], start: bool = True) -> Reply:
    """What is known of these, most wanted first; they replace what this client wanted before. Returns at once.

    Starts a worker where none lives, unless not to `start`, or the one that this process knew has died: then `restart`.
    """
    nothing: tuple[None, ...] = (None,) * len(configs)
    with _here.lock:
        post = read()
        if post is None or not alive(**vars(post.worker)):
            return Reply(*_without_worker(post, start), nothing)
        _here.known = post.worker
    question = {"key": post.key, "client": client, "wanted": [config.to_dict() for config in configs]}
    try:
        with socket.create_connection(("127.0.0.1", post.port), PATIENCE) as line:
            line.settimeout(PATIENCE)
            line.sendall(json.dumps(question).encode() + b"\n")
            reply = json.loads(line.makefile("rb").readline())
        if "error" in reply:
            return Reply("failed", str(reply["error"]), nothing)
        return Reply("working", str(reply["doing"]), tuple(reply["answers"]))
    except (OSError, ValueError):  # it loads torch and has no time, or it has just gone: the next call will tell
        return Reply("starting", "Loading the engine", nothing)


def restart() -> None:
    """Start a worker in place of one that died or failed."""
    with _here.lock:
        _here.known = _here.child = None
        post = read()
        if post is None or not alive(**vars(post.worker)):
            _without_worker(post, start=True)


def log_tail(lines: int = 8) -> str:
    """The last lines of what workers have said, "" where they have said nothing."""
    log = _folder() / LOG
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.is_file() else ""


def key_of(settings: Mapping[str, Any]) -> str:
    """What tells one question from another: its settings, and the zoo as it is on disk now."""
    with suppress(MetaVoteError):
        return json.dumps([version_of(find_zoo(settings["zoo"])), settings], sort_keys=True)
    return json.dumps(settings, sort_keys=True)


def new_key() -> str:
    """A key that nobody can guess."""
    return secrets.token_hex(16)


def read() -> Post | None:
    """Who has the post, dead or alive; None where nobody left a file."""
    try:
        told = json.loads(_file().read_text())
        worker = Worker(str(told["machine"]), int(told["pid"]), float(told["process_started"]))
        return Post(worker, int(told["port"]), str(told["key"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def claim(post: Post) -> bool:
    """Take the post, in a file that only this user can read. False where another living process has it."""
    before = read()
    if before is not None and alive(**vars(before.worker)):
        return False
    _folder().mkdir(parents=True, exist_ok=True)
    _file().unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(_file(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({**vars(post.worker), "port": post.port, "key": post.key}, file)
    except FileExistsError:
        return False  # another one was a moment faster
    return True


def leave(post: Post) -> None:
    """Give the post up."""
    if read() == post:
        _file().unlink(missing_ok=True)


def _without_worker(post: Post | None, start: bool) -> tuple[State, str]:
    """(state, words) where no worker lives; starts one where that helps."""
    child = _here.child
    if child is not None and child.poll() is None:
        return "starting", "Starting a process"
    if post is not None and post.worker == _here.known:
        return "died", "Its process has ended unexpectedly."
    if child is not None and child.returncode:
        return "failed", "Its process could not start."
    if start:
        _here.child = _spawn()
    return "starting", "Starting a process"


def _spawn() -> "subprocess.Popen[bytes]":
    return detached("core.runs.preview_worker", log=_folder() / LOG, threads=1)


def _folder() -> Path:
    return home() / "preview"


def _file() -> Path:
    return _folder() / "worker.json"
