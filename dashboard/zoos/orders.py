"""What is being built, imported, merged or added, and what came of it; kept up to date while something is."""

import time
from collections.abc import Callable, Sequence

import streamlit as st

from core.runs import jobs
from core.workshop import work
from core.workshop.state import (
    BACKBONE,
    BUILD,
    CANCELLED,
    DONE,
    FAILED,
    IMPORT,
    LOST,
    MERGE,
    WORKING,
    Order,
    State,
    collapsed,
    has_collapsed,
    states,
)
from core.zoo.zoo import zoo_ids
from dashboard import state, theme
from dashboard.errors import as_sentence
from dashboard.watch import watch

EVERY = 1.0  # seconds
MOST = 8  # orders shown
WANTED = "zoo to use next, and the order it came of"
VERBS = {BUILD: "Building", IMPORT: "Importing", MERGE: "Merging into", BACKBONE: "Adding the backbone"}
PAST = {BUILD: "is built", IMPORT: "is imported", MERGE: "is merged", BACKBONE: "is added"}


def take_up() -> None:
    """Have all pages use the zoo that a line of an order was asked to; before the box of zoos is drawn.

    The button is in a part of the page that is drawn on its own: what the browser holds for that box would win there.
    """
    if (wanted := st.session_state.pop(WANTED, None)) is not None:
        name, id = wanted
        if name in zoo_ids():
            state.use_zoo(name)
            work.forget(id)


def in_work() -> None:
    """The orders that somebody may still want to know of; the page is drawn anew once one has come to its end."""
    watch(states(), states, lambda now: EVERY if _working(now) else None, _draw, _working)


def _working(now: Sequence[State]) -> frozenset[str]:
    return frozenset(one.order.id for one in now if one.status == WORKING)


def _draw(now: Sequence[State]) -> None:
    for one in now[:MOST]:
        _order(one)
    if len(now) > MOST:
        st.caption(f"And {len(now) - MOST} older ones.")


def _order(one: State) -> None:
    id = one.order.id
    with st.container(border=True, gap="small", key=f"order {id}"):
        if one.status == WORKING:
            with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
                st.progress(min(1.0, one.progress.share), text=_how_far(one), width="stretch")
                _button("Cancel", ":material/cancel:", f"order: cancel {id}", work.cancel, id)
            return
        if one.status == DONE:
            _done(one)
            return
        _stopped(one)


def _how_far(one: State) -> str:
    progress = one.progress
    head = f"**{VERBS[one.order.kind]} {one.order.name}**"
    if not progress.doing:
        return f"{head}: starting a process. You may leave this page: it goes on."
    parts = [progress.doing]
    if progress.total > 1:
        parts.insert(0, f"{progress.done} of {progress.total} models")
    if progress.left is not None and progress.now > progress.started and progress.done < progress.total:
        left = max(0.0, progress.left - (time.time() - progress.now))
        parts.append(f"about {theme.duration(left)} left")
    return f"{head}: {' · '.join(parts)}"


def _done(one: State) -> None:
    result, id = one.result, one.order.id
    name = str(result.get("zoo") or result.get("backbone") or one.order.name)
    said = [f"**{name}** {PAST[one.order.kind]}."]
    if left_out := result.get("left_out"):
        said.append(f"{left_out} models were left out, as an earlier zoo had one for the same classes.")
    if renamed := result.get("renamed"):
        said.append(f"{renamed} tasks had an id that was taken and are named by their classes now.")
    if more := result.get("said"):
        said.append(str(more))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":material/check_circle: {' '.join(said)}", width="stretch")
        if result.get("zoo") in zoo_ids():
            _button("Use it", ":material/check:", f"order: use {id}", _use, name, id)
        _button("Dismiss", ":material/close:", f"order: dismiss {id}", work.forget, id)


def _stopped(one: State) -> None:
    """One that failed, was cancelled, or whose process is gone: why, its log, and the ways on."""
    id, build = one.order.id, one.order.kind == BUILD
    done, total = one.progress.done, one.progress.total
    gone = collapsed(one.order)
    made = f" {done} of {total} models are made and are kept." if build and done and not gone else ""
    words = {
        FAILED: f"did not work. {one.progress.error}{made}",
        CANCELLED: f"was cancelled.{made}",
        LOST: f"has no process any more, perhaps as this machine was restarted.{made}",
    }
    box = st.error if one.status == FAILED else st.info
    icon = ":material/error:" if one.status == FAILED else ":material/pause_circle:"
    box(f"**{VERBS[one.order.kind]} {one.order.name}** {words[one.status]}", icon=icon)
    if one.status != CANCELLED and (log := jobs.log_tail(one.order.folder)):
        with st.expander("Last lines of its log", icon=":material/article:", expanded=one.status == FAILED):
            st.code(log, language=None, wrap_lines=True)
    with st.container(horizontal=True, gap="small"):
        if gone:
            label = f"Go on without {'it' if len(gone) == 1 else f'these {len(gone)} tasks'}"
            _button(label, ":material/playlist_remove:", f"order: without {id}", work.go_on_without, id)
        if not has_collapsed(one.order):
            label = "Go on" if build and one.status != FAILED else "Try again"
            _button(label, ":material/resume:", f"order: go on {id}", work.go_on, id)
        _removal(one.order)


def _removal(order: Order) -> None:
    """The button that takes an order off the list; where pruned models go with it, only once that was read."""
    key = f"order: remove {order.id}"
    if not (made := work.made_by(order)):
        _button("Remove", ":material/delete:", key, work.forget, order.id)
        return
    models = f"{made} pruned model{'s' if made > 1 else ''}"
    with st.popover("Remove", icon=":material/delete:"):
        st.markdown(f"Its **{models}** {'go' if made > 1 else 'goes'} with it, for good.")
        _button(f"Remove {models}", ":material/delete:", key, work.forget, order.id)


def _use(name: str, id: str) -> None:
    st.session_state[WANTED] = (name, id)


def _button(label: str, icon: str, key: str, act: Callable[..., None], *args: str) -> None:
    """A button inside the fragment whose deed changes the whole page."""
    if st.button(label, icon=icon, key=key, on_click=as_sentence()(act), args=args):
        st.rerun()
