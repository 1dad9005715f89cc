"""A part of a page that is kept up to date while something goes on, and then brings the whole page along once."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from dashboard.errors import as_sentence

T = TypeVar("T")


def watch(
    first: T,
    look: Callable[[], T],
    every: Callable[[T], float | None],
    draw: Callable[[T], object],
    mark: Callable[[T], object] | None = None,
) -> None:
    """Draw what is known at `first`, and look again every so many seconds for as long as `every` says so.

    mark: what the rest of the page depends on, `every` itself unless given: where a look finds another one, the page is
    drawn anew, once. Never while the page itself is drawn, which is why it hands over what it has seen: widgets above
    would lose the values that were just given to them.
    """
    beginning, seconds, mark = [first], every(first), mark or every
    before = mark(first)

    @st.fragment(run_every=seconds)
    @as_sentence()
    def live() -> None:
        with_page = bool(beginning)
        known = beginning.pop() if with_page else look()
        draw(known)
        if not with_page and mark(known) != before:
            st.rerun()

    live()
