"""The process that tries runs before training, with torch and data warm: `python -m core.runs.preview_worker`.

It listens on this machine alone, takes JSON lines that begin with its key, and works on what was asked for last: what
a client no longer wants is never begun, and a curve makes way for what somebody waits for. It ends when nobody has
asked for a while.
"""

import hmac
import json
import socketserver
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from core.errors import MetaVoteError
from core.pruning.config import RunConfig
from core.runs import previews
from core.runs.processes import this_worker
from core.tasks import allowed

IDLE = 300.0  # seconds without a question after which it ends
GONE = 10.0  # seconds without a question after which a client's wishes are forgotten
KEPT = 4000  # answers
LONGEST = 1_000_000  # bytes of a question

# (settings, who hears what is done, whether nobody waits for it any more) -> an answer, None where it was dropped
Compute = Callable[[Mapping[str, Any], Callable[[str], None], Callable[[], bool]], dict[str, Any] | None]


class Desk:
    """What clients want, what is known, and what is being done; shared by the threads that listen and the one at work.

    The first wish of each client, the last to ask first, comes before the second of any.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.doing = "Starting the engine"
        self.asked = clock()
        self.stale = False  # whether what is worked on should make way
        self._at_work: str | None = None
        self.answers: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._wishes: dict[str, tuple[float, list[tuple[str, Mapping[str, Any]]]]] = {}
        self._changed = threading.Condition()

    def ask(self, client: str, wanted: list[Mapping[str, Any]]) -> dict[str, Any]:
        """Take a client's wishes in place of its earlier ones; what is known of them already, in order."""
        keyed = [(previews.key_of(settings), settings) for settings in wanted]
        with self._changed:
            self.asked = self.clock()
            self._wishes[client] = self.asked, keyed
            first = [wishes[0][0] for _, wishes in self._wishes.values() if wishes]
            open_ = any(key != self._at_work and key not in self.answers for key in first)
            self.stale = self._at_work not in first and open_
            self._changed.notify_all()
            return {"doing": self.doing, "answers": [self.answers.get(key) for key, _ in keyed]}

    def next(self, patience: float) -> tuple[str, Mapping[str, Any]] | None:
        """The wish to work on now; None where none came within so many seconds."""
        with self._changed:
            if (found := self._pick()) is None:
                self._changed.wait(patience)
                found = self._pick()
            self.stale, self._at_work = False, found[0] if found else None
            return found

    def put(self, key: str, answer: dict[str, Any] | None) -> None:
        """Keep an answer (None: it was dropped), and forget the oldest where there are too many."""
        with self._changed:
            self._at_work = None
            if answer is not None:
                self.answers[key] = answer
            while len(self.answers) > KEPT:
                self.answers.popitem(last=False)

    def _pick(self) -> tuple[str, Mapping[str, Any]] | None:
        now = self.clock()
        self._wishes = {client: wish for client, wish in self._wishes.items() if now - wish[0] <= GONE}
        latest_first = sorted(self._wishes.values(), key=lambda wish: -wish[0])
        open_ = [[wish for wish in wishes if wish[0] not in self.answers] for _, wishes in latest_first]
        # a client's first wish is what a person waits for; the others draw its curve
        urgent = [wishes[0] for wishes, (_, all_) in zip(open_, latest_first, strict=True) if wishes[:1] == all_[:1]]
        rest = [wishes[0] for wishes in open_ if wishes]
        return next(iter([*urgent, *rest]), None) if rest else None


def answered(
    settings: Mapping[str, Any], doing: Callable[[str], None], stale: Callable[[], bool]
) -> dict[str, Any] | None:
    """One preview as plain data; {"error": sentence} where it cannot be made, None where it made way for another."""
    from core.runs.preview import Dropped, checked, preview

    try:
        return preview(checked(settings), doing, stale).to_dict()
    except Dropped:
        return None
    except MetaVoteError as error:
        return {"error": str(error)}
    except Exception as error:
        return {"error": f"It could not be tried ({type(error).__name__}: {error}): start a run to see its log."}


def work(desk: Desk, mine: Callable[[], bool], compute: Compute = answered, idle: float = IDLE) -> None:
    """Work on wishes until nobody has asked for `idle` seconds, or the post is no longer mine."""
    while mine():
        found = desk.next(patience=1.0)
        if found is not None:
            key, settings = found
            desk.put(key, compute(settings, lambda text: setattr(desk, "doing", text), lambda: desk.stale))
        elif desk.clock() - desk.asked > idle:
            return


class _Handler(socketserver.StreamRequestHandler):
    """One question, one answer."""

    timeout = 5

    def handle(self) -> None:
        """Answer, or close without a word where the key is not the worker's."""
        server: Any = self.server
        try:
            question = json.loads(self.rfile.readline(LONGEST))
            if not hmac.compare_digest(str(question["key"]).encode(), server.key.encode()):
                return
            wanted = [RunConfig.from_dict(one).to_dict() for one in question["wanted"]]
            reply = server.desk.ask(str(question["client"]), wanted)
        except (ValueError, KeyError, TypeError, OSError, MetaVoteError) as error:
            reply = {"error": str(error)}
        self.wfile.write(json.dumps(reply).encode() + b"\n")


class Listener(socketserver.ThreadingTCPServer):
    """Listens on a free port of the loopback device."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, desk: Desk, key: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.desk, self.key = desk, key


def main() -> int:
    """Run from the command line: 0 when idle for long, or where another process has the post."""
    allowed.restrict()  # may run for a dashboard visitor
    desk, key = Desk(), previews.new_key()
    with Listener(desk, key) as listener:
        me = previews.Post(this_worker(), listener.server_address[1], key)
        if not previews.claim(me):
            return 0
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        try:
            import torch

            import core.runs.preview  # noqa: F401  # all that a first answer would have to wait for

            torch.set_num_threads(1)
            work(desk, lambda: previews.read() == me)
        finally:
            previews.leave(me)
            listener.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
