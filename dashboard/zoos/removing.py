"""The button that deletes something of the user's own, only once what that means has been read."""

from collections.abc import Callable

import streamlit as st

from dashboard.errors import as_sentence


def remove_button(kind: str, id: str, consequences: str, act: Callable[[str], None]) -> None:
    """*Remove*, which shows the consequences, and in it the button that acts. kind: "zoo" or "backbone"."""
    with st.popover("Remove", icon=":material/delete:", key=f"remove {kind} {id}"):
        st.markdown(consequences)
        st.button(
            f"Remove {id}",
            icon=":material/delete:",
            key=f"remove {kind} for good {id}",
            on_click=as_sentence()(act),
            args=(id,),
        )
