"""The form that starts runs: defaults, a line of help each, what it will take and leave; all of it is in the link."""

from dataclasses import asdict, replace
from typing import Any

import streamlit as st

from core.channels.budget import WORDS
from core.errors import MetaVoteError
from core.pruning.config import RunConfig
from core.pruning.methods import METHODS
from core.pruning.schedule import schedule_of
from core.runs import queue
from core.tasks.task import Task
from core.zoo.pairing import backbone_for
from dashboard import data, run_choices, state, theme, voters, zoo_states
from dashboard.errors import as_sentence
from dashboard.forecast import ENOUGH, LOADING, Forecast, Pace, forecast
from dashboard.run_notes import pick_tags
from dashboard.size_budget import pick_budget

GLOBAL = "; the size within 2 %, as only the scores tell which groups keep how many channels"
SEVERAL = ":material/playlist_add:"


@as_sentence()
def new_run() -> None:
    """The form and its Start button, which opens the new run, or the first of several."""
    writable, zoo = data.writable(), state.zoo()
    state.zoo_line(zoo)
    zoo_states.need_targets(zoo, data.targets(zoo))
    with st.container(border=True):
        target, configs, tags = _form()
        told = _told(configs, target)
        if told is not None:
            _prediction(told, configs, data.pace(configs[0].method))
        label = "Start" if len(configs) < 2 else f"Start {len(configs)} runs"
        # Its answer, not a callback: what was typed last arrives with the click, and is in `configs` only now.
        if st.button(label, type="primary", icon=":material/play_arrow:", disabled=not writable, key="start runs"):
            start(configs if told is not None else [], tags)


def _form() -> tuple[Task, list[RunConfig], list[str]]:
    """The fields; the runs they describe, none while a number is not one, and their tags."""
    zoo = state.zoo()
    first, second = st.columns(2, gap="medium")
    with first:
        target = state.pick_task(data.targets(zoo))
        method = run_choices.pick_method()
        st.caption(METHODS[method].help)
    with second:
        keep_at = st.container()
        left, right = st.columns(2, vertical_alignment="top")
        with left:
            iterations = run_choices.pick_iterations()
        with right:
            seed = run_choices.pick_seed()
    voting_at = st.container()
    sampling = _training()
    others, seeds, tags = _several(method)
    methods = [method, *(name for name in others if name != method)]
    common: dict[str, Any] = {
        "task": target.id, "zoo": zoo.id, "backbone": backbone_for(zoo), "sampling": sampling,
    }  # fmt: skip
    if any(METHODS[name].removes for name in methods):
        with keep_at:
            budget = pick_budget(zoo, st.container())
        if budget is None:
            return target, [], tags
        common |= asdict(budget)
    voting: dict[str, Any] = {}
    if any(METHODS[name].needs_zoo for name in methods):
        with voting_at:
            voting = _voting(target)
    if iterations is None or seed is None or seeds is None:
        return target, [], tags
    first_ones = [
        RunConfig(
            method=name, iterations=iterations, seed=seed, **common, **(voting if METHODS[name].needs_zoo else {})
        )
        for name in methods
    ]
    return target, [replace(one, seed=seed + more) for one in first_ones for more in range(seeds)], tags


def _voting(target: Task) -> dict[str, Any]:
    """Who votes, and how: what only a method with neighbours asks for."""
    zoo = state.zoo()
    above = st.container()
    with st.expander("Neighbours and votes", icon=":material/how_to_vote:"), st.grid(3, min_column_width=220):
        k, similarity = state.pick_k(zoo, target), state.pick_similarity()
        near = voters.voters(zoo, target, k, similarity)
        found: dict[str, Any] = {"k": k, "similarity": similarity, "weighting": state.pick_weighting()}
        if by_hand := voters.hand_picked():
            found["chosen"] = by_hand
        else:
            found["neighbours"] = run_choices.pick_neighbours()
        found["weights"] = run_choices.pick_weights()
    with above:
        voters.banner(near, k)
    return found


def _training() -> str:
    """How the network learns: what most runs leave as it is."""
    with st.expander("Training", icon=":material/model_training:", expanded="sampling" in st.query_params):
        return run_choices.pick_sampling()


def _several(method: str) -> tuple[list[str], int | None, list[str]]:
    """Other methods and more seeds to start at once, and tags for all of them."""
    asked = any(name in st.query_params for name in ("also", "seeds", "tagged"))
    with st.expander("Several at once, tags", icon=SEVERAL, expanded=asked):
        others = run_choices.pick_others(method)
        rest = [name for name in run_choices.OFFERED if name != method]
        with st.container(horizontal=True):
            every = set(others) >= set(rest)
            st.button(
                "No other method" if every else "All methods",
                icon=":material/remove_done:" if every else ":material/done_all:",
                on_click=run_choices.choose_others,
                args=([] if every else rest,),
                key="all methods",
            )
        left, right = st.columns(2, vertical_alignment="top")
        with left:
            seeds = run_choices.pick_seeds()
        with right:
            tags = pick_tags("Words to find these runs by, here and on the comparison.")
    return others, seeds, tags


def _told(configs: list[RunConfig], target: Task) -> Forecast | None:
    """What the runs will take and leave; None, with a sentence, where one of them cannot be."""
    zoo = state.zoo()
    try:
        return (
            forecast(configs, len(target.classes), zoo.groups, zoo.layers, data.pace(configs[0].method))
            if configs
            else None
        )
    except MetaVoteError as error:
        st.error(str(error), icon=":material/error:")
        return None


def _prediction(told: Forecast, configs: list[RunConfig], pace: Pace) -> None:
    """One line before Start: how long about, and how large exactly."""
    seconds = told.seconds + (0 if data.worker_lives() else LOADING)
    ahead = data.active_count()
    waits = f" once the {f'{ahead} runs' if ahead > 1 else 'run'} before it {'have' if ahead > 1 else 'has'} ended"
    parts = [f"**about {theme.duration(seconds)}**" + (waits if ahead else "")]
    if told.size is not None and told.dense is not None:
        parts.append(f"**{theme.short(told.size.params)}** of {theme.short(told.dense.params)} parameters")
        parts.append(f"**{theme.short(told.size.macs)}** of {theme.short(told.dense.macs)} MACs")
    elif configs[0].allocation == "global" and METHODS[configs[0].method].removes:
        parts.append(f"**about {theme.ratio(configs[0].keep)}** of the {WORDS[configs[0].of]}")
    st.markdown(f":material/timer: Predicted: {' · '.join(parts)}.")
    source = (
        f"time from {pace.basis}"
        if pace.runs
        else f"time as on an idle two-core machine, until this one has finished a run of {ENOUGH} iterations or more"
    )
    known = _exact(configs) if told.size else GLOBAL if len(parts) > 1 else ""
    st.caption(f"The {source}{known}.")


def _exact(configs: list[RunConfig]) -> str:
    """Of which runs the size is told, which follows from the keep ratio alone."""
    whole = [METHODS[one.method].title for one in configs if not METHODS[one.method].removes]
    if whole and len(configs) > len(whole) and METHODS[configs[0].method].removes:
        return f"; the size is exact, for all but {whole[0]}"
    return "; the size is exact" + (" and the same for all" if len(configs) > 1 else "")


@as_sentence()
def start(configs: list[RunConfig], tags: list[str]) -> None:
    """Queue these runs and open the first; where a number may not be, the form already says so."""
    if configs:
        for config in configs:
            schedule_of(config)
        st.session_state["run"] = queue.submit(configs, data.store(), tags)[0]
        st.rerun()
