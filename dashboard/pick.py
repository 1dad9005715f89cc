"""A choice of one thing among several, or of a whole number, as a widget in step with the page's link."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core.errors import BadValueError
from dashboard.links import linked, one_of


def pick_one(
    key: str,
    label: str,
    kind: str,
    titles: Mapping[str, str],
    default: str | None = None,
    *,
    in_a_row: bool = False,
    stands_for: Mapping[str, str] | None = None,
    always: bool = False,
    **looks: Any,
) -> str:
    """The option chosen in a box, or in buttons `in_a_row`, or by link (`?key=`); the first one unless told otherwise.

    kind: what an option is called where a link names none of them. titles: option -> what people read. stands_for: what
    else a link may say, and the option that is meant. always: as `linked` takes it. looks: what else the widget takes;
    it keeps its value from page to page unless `persist_state` is None.
    """
    options, known, means = list(titles), one_of(kind, list(titles)), stands_for or {}
    draw: Any = st.segmented_control if in_a_row else st.selectbox
    looks = {"persist_state": "session"} | ({"required": True} if in_a_row else {}) | looks

    def title(option: str) -> str:
        return titles.get(option, option)  # one that is on offer no more is asked after once

    return linked(
        key,
        options[0] if default is None else default,
        lambda text: known(means.get(text, text)),
        lambda: draw(label, options, format_func=title, key=key, **looks),
        always,
    )


def pick_number(
    label: str, key: str, default: int, allowed: Callable[[str], int], help: str, *, step: int = 1
) -> int | None:
    """A whole number that is `allowed` (`?key=`); None, and a sentence below it, while it may not be so.

    One in a link that may not be is told above the page; one that was typed stays, for its writer to mend. The browser
    would drop a number outside its bounds without a word, so it is not told them.
    """
    typed = str(st.session_state.get(key))

    def check(text: str) -> int:
        return int(text) if text == typed and text.removeprefix("-").isdecimal() else allowed(text)

    def draw() -> int | None:
        return st.number_input(label, step=step, key=key, persist_state="session", help=help)

    value = linked(key, default, check, draw)
    try:
        return allowed(str(value))
    except BadValueError as error:
        st.error(str(error), icon=":material/error:")
        return None
