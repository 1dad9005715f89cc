"""Targets of the user's own: the ones being ranked, with how long that takes, and the way to be rid of one."""

from collections.abc import Callable

import streamlit as st

from core.targets import work
from core.targets.state import FAILED, LOST, OUTDATED, READY, WORKING, Target, log_tail, targets_in
from core.tasks.task import Task
from core.zoo.zoo import Zoo
from dashboard import theme
from dashboard.errors import as_sentence

EVERY = 1.0  # seconds
AWAITED, WANTED, DONE = "new target awaited", "target to choose next", "targets that are ready"


def await_target(id: str) -> None:
    """Choose this target as soon as the zoo has been ranked for it."""
    st.session_state[AWAITED] = id


def in_progress(zoo: Zoo) -> None:
    """The own targets that cannot be chosen yet, and why; kept up to date while one is being ranked."""
    if wanted := st.session_state.pop(WANTED, None):
        st.session_state["task"] = wanted
        st.toast(f"{wanted} is ready: its neighbours are below.", icon=":material/check_circle:")
    for id in st.session_state.pop(DONE, ()):
        st.toast(f"{id} is ready: choose it among the target tasks.", icon=":material/check_circle:")
    shown = targets_in(zoo)
    if _arrived(shown):
        st.rerun()
    working = {target.task.id for target in shown if target.status == WORKING}

    @st.fragment(run_every=EVERY if working else None)
    @as_sentence()
    def live() -> None:
        now = targets_in(zoo)
        for target in now:
            if target.status != READY:
                _line(target, zoo)
        if working and (_arrived(now) or not any(target.status == WORKING for target in now)):
            ready = [target.task.id for target in now if target.status == READY and target.task.id in working]
            st.session_state[DONE] = [id for id in ready if id != st.session_state.get(WANTED)]
            st.rerun()

    live()


def _arrived(targets: list[Target]) -> bool:
    """Whether the target that was waited for is ready; it is then the one to choose."""
    awaited = st.session_state.get(AWAITED)
    if awaited is None or not any(one.task.id == awaited and one.status == READY for one in targets):
        return False
    st.session_state[WANTED] = st.session_state.pop(AWAITED)
    return True


def _line(target: Target, zoo: Zoo) -> None:
    """One own target: how far it is or what is wrong with it, and what can be done."""
    id = target.task.id
    with st.container(border=True, gap="small"):
        if target.status == WORKING:
            with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
                st.progress(_share(target), text=f"**{id}**: {_how_far(target)}", width="stretch")
                cancel = as_sentence()(work.cancel)
                st.button("Cancel", icon=":material/cancel:", key=f"cancel {id}", on_click=cancel, args=(id, zoo))
            return
        words = {
            FAILED: target.progress.error,
            LOST: "The process that ranked the zoo for it is gone: rank it again, or remove it.",
            OUTDATED: f"The zoo {zoo.id}, as it is now, has not been ranked for it: rank it.",
        }
        st.warning(f"**{id}** cannot be a target yet. {words[target.status]}", icon=":material/warning:")
        if target.status != OUTDATED and (log := log_tail(id, zoo)):
            st.code(log, language=None)
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Rank again",
                icon=":material/refresh:",
                key=f"rank {id}",
                on_click=as_sentence()(_again),
                args=(id, zoo),
            )
            _removal(target.task, work.remove)


def _again(id: str, zoo: Zoo) -> None:
    work.rank(id, zoo)
    await_target(id)


def _share(target: Target) -> float:
    progress = target.progress
    return progress.done / progress.total if progress.total else 0.0


def _how_far(target: Target) -> str:
    progress = target.progress
    if not progress.total:
        return "loading its images and the backbone. You may leave this page: it goes on."
    left = "" if progress.left is None else f", about {theme.duration(progress.left)} left"
    return f"{progress.done} of {progress.total} zoo models have looked at its images{left}."


def own_target(zoo: Zoo, target: Task) -> None:
    """Where the chosen target is the user's own: that it is, and the button that removes it."""
    if target.id in zoo.rows:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"A target of yours, of {len(target.classes)} classes. Its link works on this machine alone.")
        _removal(target, _remove)


def _removal(target: Task, remove: Callable[[str], None]) -> None:
    """The button that removes an own target, and what goes with it."""
    id = target.id
    images = " and its images" if work.removes_images(target) else ""
    with st.popover("Remove", icon=":material/delete:"):
        st.markdown(
            f"Remove **{id}**{images}, for every zoo? Runs of it stay, but can no longer be resumed or repeated."
        )
        st.button("Remove it", type="primary", key=f"remove {id}", on_click=as_sentence()(remove), args=(id,))


def _remove(id: str) -> None:
    work.remove(id)
    st.session_state["task"] = None
    st.toast(f"{id} has been removed.", icon=":material/delete:")
