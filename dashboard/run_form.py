"""The form that starts a run: sensible defaults, one line of help each, checked again where the run is made."""

from collections.abc import Mapping, Sequence

import streamlit as st

from core.errors import BadValueError
from core.pruning.config import NEIGHBOURS, WEIGHTS, RunConfig, check_k
from core.pruning.methods import METHODS
from core.runs import queue
from core.tasks.catalogue import task as task_of
from core.tasks.task import Task
from dashboard import data, state, theme, voters
from dashboard.errors import as_sentence
from dashboard.links import whole

# The form does not ask which run's mask, or which tasks by name: the command line and Python do.
OFFERED = [name for name in METHODS if name != "same-mask"]
VOTERS = [name for name in NEIGHBOURS if name != "chosen"]
# What a number typed in may be. The browser would drop one outside its bounds without a word, so it is not told them.
NUMBERS = {"iterations": whole("Iterations", 0, 2000), "seed": whole("The seed", 0, 2**32 - 1)}


def new_run() -> None:
    """The form and its Start button, which opens the new run."""
    zoo = data.zoo()
    with st.container(border=True):
        first, second = st.columns(2, gap="medium")
        with first:
            target = state.pick_task(data.targets(zoo))
            method = _method()
            st.caption(METHODS[method].help)
        with second:
            if METHODS[method].removes:
                state.pick_keep(zoo)
            _number("Iterations", "iterations", RunConfig.iterations, 10, "What the run may spend.")
            _number("Seed", "seed", RunConfig.seed, 1, "Same seed, same result.")
        if METHODS[method].needs_zoo:
            _voting(target)
        st.button("Start", type="primary", icon=":material/play_arrow:", on_click=start)


def _method() -> str:
    st.session_state.setdefault("method", RunConfig.method)
    return st.selectbox(
        "Method",
        OFFERED,
        format_func=theme.method_title,
        key="method",
        persist_state="session",
        help="How the channels to keep are found.",
    )


def _number(label: str, key: str, default: int, step: int, help: str) -> None:
    value = st.number_input(label, value=default, step=step, key=key, persist_state="session", help=help)
    try:
        NUMBERS[key](str(value))
    except BadValueError as error:
        st.error(str(error), icon=":material/error:")


def _voting(target: Task) -> None:
    """Who votes, and how: what only a method with neighbours asks for."""
    zoo = data.zoo()
    above = st.container()
    with st.expander("Neighbours and votes", icon=":material/how_to_vote:"), st.grid(3, min_column_width=220):
        k = state.pick_k(zoo, target)
        near = voters.voters(zoo, target, k, state.pick_similarity())
        state.pick_weighting()
        if not voters.hand_picked():
            help = "Who votes; the others are controls."
            _choice("Neighbours", "neighbours", VOTERS, theme.NEIGHBOUR_CHOICES, help)
        help = "Where the kept channels' first weights come from."
        _choice("Weights", "weights", WEIGHTS, theme.WEIGHTS, help)
    with above:
        voters.banner(near, k)


def _choice(label: str, key: str, options: Sequence[str], labels: Mapping[str, str], help: str) -> None:
    st.session_state.setdefault(key, options[0])
    st.selectbox(
        label, options, format_func=lambda name: labels.get(name, name), key=key, persist_state="session", help=help
    )


@as_sentence()
def start() -> None:
    """Queue the run that the form describes and open it; where a number may not be, the form already says so."""
    chosen = st.session_state
    try:
        for name, check in NUMBERS.items():
            check(str(chosen[name]))
    except BadValueError:
        return
    settings = {name: chosen[name] for name in ("task", "method", "iterations", "seed")}
    optional = ["keep", "k", "similarity", "weighting", "neighbours", "weights"]
    by_hand = voters.hand_picked() if METHODS[chosen["method"]].needs_zoo else ()
    if by_hand:
        optional.remove("neighbours")  # a control chosen earlier, whose box is not shown meanwhile
        settings["chosen"] = by_hand
    settings |= {name: chosen[name] for name in optional if chosen.get(name) is not None}
    config = RunConfig(zoo=data.DEFAULT_ZOO, **settings)
    if config.needs_zoo and config.k is not None:
        check_k(config.k, len(data.zoo().voters(task_of(config.task))))
    chosen["run"] = queue.submit(config, data.store())[0]
