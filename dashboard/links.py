"""What a page's link holds: choices that all pages share, read from the URL, checked, and written back to it.

Streamlit's own `bind="query-params"` puts the labels people read into the URL; links here hold stable ids instead.
"""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

import streamlit as st

from core.errors import BadValueError, UnknownNameError

T = TypeVar("T")
PAGE, VISIT = "page that is open", "visits to pages"
# What links may hold, in the order in which pages ask for it.
NAMES = (
    *("zoo", "task", "k", "similarity", "chosen"),
    *("layout", "colour", "search", "detail"),
    *("group", "keep", "allocation", "weighting", "run"),
)
COMPARE = (
    *("runs", "every", "baseline", "tab", "axis", "by", "with"),
    *("text", "tasks", "methods", "statuses", "tags", "grouped", "columns", "order"),
)
# Those of the Run page alone, and the theme of any.
RUN = (
    *("of", "least_width", "multiple", "method", "iterations", "seed", "neighbours", "weights"),
    *("sampling", "also", "seeds", "tagged"),
    *("tag", "clock", "replay", "speed", "at"),
)
THEME = ("theme",)
# Those of the Zoos page alone.
ZOOS = (
    *("do", "from", "dataset", "drawn", "each", "held", "drawseed", "apart"),
    *("backbone", "how", "share", "steps", "zooseed", "workers"),
)
VOTES = ("view", "start", "channel", "shade", "scope", "within", "what", "out", "in", "draw")
WRONG = (UnknownNameError, BadValueError)  # about the value itself; a store that is busy says nothing about it


class Notices:
    """One box above a page for all that is wrong with its link; it takes no room while nothing is."""

    def __init__(self) -> None:
        self._box, self._sentences = st.empty(), list[str]()

    def add(self, sentence: str) -> None:
        """Say one thing more."""
        self._sentences.append(sentence)
        self._box.warning("This link does not fit. " + "  \n".join(self._sentences), icon=":material/link_off:")


_notices: ContextVar[Notices] = ContextVar("notices")


def heading(title: str, *names: str) -> None:
    """A page's title, and above it what is wrong with its link, which may hold these `names`. Comes first on a page."""
    notices = Notices()
    _notices.set(notices)
    st.title(title)
    for unknown in [name for name in st.query_params if name not in (*NAMES, *COMPARE, *RUN, *THEME, *VOTES, *ZOOS)]:
        del st.query_params[unknown]
        holds = f"{title} reads {', '.join(names)}" if names else f"{title} reads nothing from its link"
        notices.add(f"Nothing here is called '{unknown}': {holds}.")


def notice(sentence: str) -> None:
    """Say above the page one thing that is wrong with its link."""
    _notices.get().add(sentence)


def enter(page: str) -> None:
    """Note which page is about to run, so that widgets know when they are drawn for the first time on it."""
    if st.session_state.get(PAGE) != page:
        st.session_state[PAGE] = page
        st.session_state[VISIT] = st.session_state.get(VISIT, 0) + 1


def keep_choice(key: str, value: Any) -> None:
    """Give the widget that is about to be drawn under `key` its value, where this visit to the page begins with it.

    A page's widget has an id of its own. Streamlit hands it the value of its namesake on the page before only once the
    browser has forgotten that one, which is a run too late: until then it would stand at its minimum or first option.
    """
    visit, marked = st.session_state.get(VISIT, 0), f"{key} drawn in visit"
    if st.session_state.get(marked) != visit or key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    st.session_state[marked] = visit


def held(key: str) -> object:
    """What `linked` will give the widget under `key`, unchecked: the link's text if that is new, else its own value."""
    raw = st.query_params.get(key)
    return raw if _is_new(key, raw) else st.session_state.get(key)


def _is_new(key: str, raw: str | None) -> bool:
    """Whether the link says something that no widget has taken up yet."""
    return raw is not None and raw != st.session_state.get(f"{key} in link")


def linked(key: str, default: T, check: Callable[[str], T], draw: Callable[[], T | None], always: bool = False) -> T:
    """The value of the widget that `draw` makes under `key`, in step with `?key=` in the URL.

    `check` turns text into a value or raises UnknownNameError or BadValueError: links and widgets are both checked, as
    neither can be trusted. A bad link falls back to `default` with a sentence. The URL leaves out what is at its
    default, unless it `always` holds it, as the default may be another one when the link is opened.
    """
    raw = st.query_params.get(key)
    if raw is not None and _is_new(key, raw):
        value = _adopted(key, default, check, raw)
    else:
        value = _checked(st.session_state.get(key), default, check)
    keep_choice(key, value)
    chosen = draw()
    value = default if chosen is None else check(str(chosen))
    text = None if value == default and not always else str(value)
    if text is None:
        st.query_params.pop(key, None)
    elif text != raw:
        st.query_params[key] = text
    st.session_state[f"{key} in link"] = text
    return value


def _adopted(key: str, default: T, check: Callable[[str], T], raw: str) -> T:
    try:
        return check(raw)
    except WRONG as error:
        instead = "" if default is None else f" Shown instead: {default}."
        _notices.get().add(f"{error}{instead}")
        return default


def _checked(held: object, default: T, check: Callable[[str], T]) -> T:
    """What a widget holds, or the default where that is nothing, or nothing that may be."""
    try:
        return default if held is None else check(str(held))
    except WRONG:
        return default


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
            raise BadValueError(f"{what} must be a whole number from {least:,} to {most:,}, not '{text}'.")
        return int(text)

    return check
