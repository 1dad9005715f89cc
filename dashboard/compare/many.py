"""Choices of several things at once in step with the page's link: `?runs=a,b,c`."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.links import WRONG, keep_choice, notice


def written(values: Sequence[str]) -> str:
    """Several values as one text; a comma inside one is written %2C."""
    return ",".join(value.replace("%", "%25").replace(",", "%2C") for value in values)


def parsed(text: str) -> list[str]:
    """The values that `written` put together, without repetitions."""
    values = (part.replace("%2C", ",").replace("%25", "%") for part in text.split(",") if part)
    return list(dict.fromkeys(values))


def linked_many(
    key: str, check: Callable[[str], str], draw: Callable[[], Sequence[str]], default: Sequence[str] = ()
) -> list[str]:
    """The values of the multiple choice that `draw` makes under `key`, in step with `?key=` in the URL.

    As `links.linked`, but each value is checked on its own: one that does not fit is told and left out, the rest stays.
    """
    raw, seen = st.query_params.get(key), f"{key} in link"
    if raw is not None and raw != st.session_state.get(seen):
        held = _sound(parsed(raw), check, tell=True)
    else:
        held = _sound(st.session_state.get(key, default), check)
    keep_choice(key, held)
    values = _sound(draw(), check)
    text = None if values == list(default) else written(values)
    if text is None:
        st.query_params.pop(key, None)
    elif text != raw:
        st.query_params[key] = text
    st.session_state[seen] = text
    return values


def _sound(values: Sequence[str], check: Callable[[str], str], tell: bool = False) -> list[str]:
    found = []
    for value in values:
        try:
            found.append(check(value))
        except WRONG as error:
            if tell:
                notice(str(error))
    return found
