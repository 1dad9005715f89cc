"""What a user can meet as an error: one base class, one sentence each, always with the remedy."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

LONGEST = 80  # characters of an unknown name in a sentence


class MetaVoteError(Exception):
    """Base of every error that a user can cause or mend. Its text is one sentence that says what to do."""


def first_line(error: BaseException) -> str:
    """The first line of what somebody else's error says, or its kind; at most 120 characters, to be quoted."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


class UnknownNameError(MetaVoteError):
    """A name (of a task, class, method, run, ...) that nothing is registered under.

    also: other names of the same things, which may have been meant, but are neither counted nor listed.
    """

    def __init__(self, kind: str, name: object, known: Iterable[str], also: Iterable[str] = ()) -> None:
        names = sorted(set(known))
        near = get_close_matches(str(name)[: 2 * LONGEST], sorted({*names, *also}), n=3, cutoff=0.5)
        if near:
            hint = f"did you mean {' or '.join(near)}?"
        elif len(names) <= 12:
            hint = f"choose one of: {', '.join(names)}." if names else "there is none yet."
        else:
            hint = f"choose one of {len(names)}, among them {', '.join(names[:6])}."
        shown = str(name) if len(str(name)) <= LONGEST else f"{str(name)[:LONGEST]}…"
        super().__init__(f"There is no {kind} '{shown}': {hint}")


class BadValueError(MetaVoteError):
    """A number or setting outside what it may be."""


class CollapsedError(MetaVoteError):
    """Tasks, by id, that the network knows too little of once it is pruned for them."""

    def __init__(self, sentence: str, tasks: Iterable[str]) -> None:
        super().__init__(sentence)
        self.tasks = tuple(tasks)


class DivergedError(MetaVoteError):
    """A run whose network's outputs are no finite numbers (any more). cost: what it had cost by then."""

    def __init__(self, sentence: str, cost: Mapping[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.cost = dict(cost or {})


class BadFileError(MetaVoteError):
    """A file that is damaged, truncated, or not of the kind it should be."""


class MissingDataError(MetaVoteError):
    """Data that is not on this machine."""


class StoreError(MetaVoteError):
    """The run store cannot be read or written."""


class MismatchError(MetaVoteError):
    """Two things that do not belong together, such as a zoo and a backbone it was not made on."""


class UnsupportedError(MetaVoteError):
    """A network, or a layer of one, that cannot be pruned here."""
