"""What a page's link holds: the choices that all pages share, read from the URL, checked, and written back to it.

Streamlit's own `bind="query-params"` puts the labels people read into the URL; links here hold stable ids instead.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import streamlit as st

from core.errors import BadValueError, MetaVoteError, UnknownNameError
from core.pruning.config import SIMILARITIES
from core.tasks.task import Task
from core.voting import WEIGHTINGS
from core.zoo.zoo import Zoo
from dashboard import data, theme

T = TypeVar("T")
DEFAULT_K, MOST_K, LEAST_KEEP = 5, 24, 0.05


def linked(key: str, default: T, check: Callable[[str], T], draw: Callable[[], T | None]) -> T:
    """The value of the widget that `draw` makes under `key`, in step with `?key=` in the URL.

    `check` turns text into a value or raises a MetaVoteError: links and widgets are both checked, as neither can be
    trusted. A bad link falls back to `default` with a sentence. The URL leaves out what is at its default.
    """
    raw, seen = st.query_params.get(key), f"{key} in link"
    if raw is not None and raw != st.session_state.get(seen):
        _adopt(key, default, check, raw)
    elif not _valid(st.session_state.get(key, _NOTHING), check):
        st.session_state[key] = default
    chosen = draw()
    value = default if chosen is None else check(str(chosen))
    text = None if value == default else str(value)
    if text is None:
        st.query_params.pop(key, None)
    elif text != raw:
        st.query_params[key] = text
    st.session_state[seen] = text
    return value


_NOTHING = object()


def _adopt(key: str, default: T, check: Callable[[str], T], raw: str) -> None:
    try:
        st.session_state[key] = check(raw)
    except MetaVoteError as error:
        st.session_state[key] = default
        instead = "" if default is None else f" Shown instead: {default}."
        st.warning(f"This link does not fit. {error}{instead}", icon=":material/link_off:")


def _valid(value: object, check: Callable[[str], object]) -> bool:
    try:
        return value is not _NOTHING and check(str(value)) is not None
    except MetaVoteError:
        return False


def one_of(kind: str, options: Sequence[str]) -> Callable[[str], str]:
    """A check for `linked`: the text itself where it is one of the options."""

    def check(text: str) -> str:
        if text not in options:
            raise UnknownNameError(kind, text, options)
        return text

    return check


def whole(what: str, least: int, most: int) -> Callable[[str], int]:
    """A check for `linked`: a whole number within bounds."""

    def check(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise BadValueError(f"{what} must be a whole number from {least} to {most}, not '{text}'.")
        return int(text)

    return check


def pick_task(targets: Sequence[Task]) -> Task:
    """The target task, chosen from a list or by link (`?task=`)."""
    by_id = {task.id: task for task in targets}
    labels = {task.id: f"{task.id} · {task.title}" for task in targets}
    chosen = linked(
        "task",
        targets[0].id,
        one_of("stored target task", list(by_id)),
        lambda: st.selectbox(
            "Target task",
            list(by_id),
            format_func=lambda id: labels.get(id, id),
            key="task",
            persist_state="session",
            help="The task to prune the backbone for. Type to search by class.",
        ),
    )
    return by_id[chosen]


def pick_k(zoo: Zoo) -> int:
    """How many neighbours (`?k=`), at most as many as the zoo has tasks."""
    most = min(MOST_K, len(zoo.tasks))
    return linked(
        "k",
        min(DEFAULT_K, most),
        whole("K", 1, most),
        lambda: st.slider(
            "Neighbours (K)", 1, most, key="k", persist_state="session", help="How many of the most similar tasks vote."
        ),
    )


def pick_similarity() -> str:
    """How similarity is measured (`?similarity=`)."""
    return linked(
        "similarity",
        SIMILARITIES[0],
        one_of("similarity", SIMILARITIES),
        lambda: st.selectbox(
            "Similarity",
            SIMILARITIES,
            format_func=lambda name: theme.SIMILARITIES.get(name, name),
            key="similarity",
            persist_state="session",
            help=" · ".join(f"{theme.SIMILARITIES[name]}: {text}" for name, text in theme.SIMILARITY_HELP.items()),
        ),
    )


def pick_weighting() -> str:
    """How much each neighbour's vote counts (`?weighting=`)."""
    return linked(
        "weighting",
        WEIGHTINGS[0],
        one_of("weighting of votes", WEIGHTINGS),
        lambda: st.selectbox(
            "Weighting of votes",
            WEIGHTINGS,
            format_func=lambda name: theme.WEIGHTINGS.get(name, name),
            key="weighting",
            persist_state="session",
            help="Every neighbour alike, the more similar ones more, or each by its own importance of the channel.",
        ),
    )


def go(page: str) -> None:
    """Open another page with the choices made on this one."""
    st.switch_page(page, query_params=st.query_params.to_dict())


def pick_layout() -> str:
    """Which stored layout the map shows (`?layout=`)."""
    kinds = list(theme.LAYOUTS)
    return linked(
        "layout",
        kinds[0],
        one_of("layout", kinds),
        lambda: st.segmented_control(
            "Layout",
            kinds,
            format_func=lambda kind: theme.LAYOUTS.get(kind, kind),
            key="layout",
            required=True,
            persist_state="session",
            label_visibility="collapsed",
        ),
    )


def pick_group(sizes: Mapping[str, int]) -> str:
    """A channel group (`?group=`), in order of depth."""
    groups = list(sizes)
    labels = {name: f"{place} · {name} · {size} channels" for place, (name, size) in enumerate(sizes.items(), 1)}
    return linked(
        "group",
        groups[-1],
        one_of("channel group", groups),
        lambda: st.selectbox(
            "Channel group",
            groups,
            format_func=lambda name: labels.get(name, name),
            key="group",
            persist_state="session",
            help="Channels that must be removed together, from the input (1) to the output.",
        ),
    )


def pick_keep(zoo: Zoo) -> float:
    """The share of channels to keep (`?keep=`)."""
    return linked(
        "keep",
        zoo.keep,
        ratio,
        lambda: st.slider(
            "Keep ratio",
            LEAST_KEEP,
            1.0,
            step=0.01,
            key="keep",
            persist_state="session",
            help="Share of channels to keep in every group. Neighbours vote with what they then held.",
        ),
    )


def ratio(text: str) -> float:
    """A check for `linked`: a keep ratio that the slider can show."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not LEAST_KEEP <= value <= 1:
        raise BadValueError(f"The keep ratio must be from {LEAST_KEEP} to 1, not '{text}'.")
    return round(value, 4)


def open_run() -> str | None:
    """The id of the run that is open (`?run=`), None for none."""

    def check(text: str) -> str | None:
        return data.store().get(text).id

    chosen: str | None = linked("run", None, check, lambda: st.session_state["run"])
    return chosen
