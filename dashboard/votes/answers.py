"""What is known of networks before training: asked of the worker, remembered by this server."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import streamlit as st

from core.paths import home
from core.pruning.config import RunConfig
from core.runs import previews
from core.runs.record import RUNNING
from core.runs.status import current
from dashboard import data

REMEMBERED = 2000
Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """Answers by config, and how the worker is; `state` "ready" where it need not be asked."""

    state: str
    doing: str
    answers: Mapping[RunConfig, Answer]

    def accuracy(self, config: RunConfig) -> float | None:
        """0 to 1, None where it is not known (yet)."""
        return self.answers.get(config, {}).get("accuracy")

    def error(self, config: RunConfig) -> str | None:
        """Why this cannot be tried, one sentence; None where it can."""
        return self.answers.get(config, {}).get("error")


def look(configs: Sequence[RunConfig], part: str) -> Known:
    """What is known of these by now, the most wanted first; what is not is worked on meanwhile.

    part: of the page; each part's wishes replace its own earlier ones.
    """
    memory = _memory(str(home()))
    keys = {config: previews.key_of(config.to_dict()) for config in configs}
    missing = [config for config in configs if keys[config] not in memory]
    state, doing = "ready", ""
    if missing:
        reply = previews.ask(f"{_session()} {part}", missing)
        state, doing = reply.state, reply.doing
        for config, answer in zip(missing, reply.answers, strict=True):
            if answer is not None:
                memory[keys[config]] = answer
        while len(memory) > REMEMBERED:
            memory.popitem(last=False)
    found = {config: memory[keys[config]] for config in configs if keys[config] in memory}
    return Known("ready" if len(found) == len(configs) else state, doing, found)


def run_trains() -> bool:
    """Whether a run trains now, which makes everything else slower."""
    return any(current(record) == RUNNING for record in data.store().list(status=RUNNING))


@st.cache_resource
def _memory(_folder: str) -> "OrderedDict[str, Answer]":
    return OrderedDict()


def _session() -> str:
    return str(st.session_state.setdefault("session of previews", uuid4().hex))
