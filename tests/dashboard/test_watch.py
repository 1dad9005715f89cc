"""Parts of a page that keep up with what goes on: when they look again, and when the whole page is drawn anew."""

from collections.abc import Callable

import pytest
import streamlit as st

from dashboard.watch import watch


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[object]]:
    """What a page has been asked for: fragments with their seconds, and to be drawn anew."""
    asked: dict[str, list[object]] = {"fragments": [], "every": [], "anew": []}

    def fragment(run_every: float | None) -> Callable[[Callable[[], None]], Callable[[], None]]:
        def keep(part: Callable[[], None]) -> Callable[[], None]:
            asked["fragments"].append(part)
            asked["every"].append(run_every)
            return part

        return keep

    monkeypatch.setattr(st, "fragment", fragment)
    monkeypatch.setattr(st, "rerun", lambda: asked["anew"].append(True))
    return asked


def seconds(state: str) -> float | None:
    return 0.5 if state == "working" else None


def again(page: dict[str, list[object]]) -> None:
    part = page["fragments"][-1]
    assert callable(part)
    part()


def test_the_page_is_drawn_anew_once_it_is_done_and_never_while_it_is_drawn(page: dict[str, list[object]]) -> None:
    drawn: list[str] = []
    states = iter(["working", "done"])
    watch("working", lambda: next(states), seconds, drawn.append)
    assert (drawn, page["every"], page["anew"]) == (["working"], [0.5], [])
    again(page)
    assert (drawn, page["anew"]) == (["working"] * 2, [])
    again(page)
    assert (drawn, page["anew"]) == (["working", "working", "done"], [True])


def test_a_part_that_is_done_is_drawn_without_a_timer_as_the_page_has_seen_it(page: dict[str, list[object]]) -> None:
    drawn: list[str] = []
    watch("done", lambda: "working", seconds, drawn.append)
    assert (drawn, page["every"], page["anew"]) == (["done"], [None], [])


def test_the_page_may_depend_on_more_than_the_timer(page: dict[str, list[object]]) -> None:
    left = iter([2, 1])
    watch(2, lambda: next(left), lambda number: 1.0 if number else None, lambda number: None, lambda number: number)
    again(page)
    assert page["anew"] == []
    again(page)
    assert page["anew"] == [True]
