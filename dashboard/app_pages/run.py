"""Run: prune a target task and watch it live, or open an earlier run (`?run=`)."""

import streamlit as st

from dashboard import links, state
from dashboard.run_form import new_run
from dashboard.run_list import run_list
from dashboard.run_view import run_view


def open_new() -> None:
    """Leave the open run for the form."""
    st.session_state["run"] = None


links.heading("Run", "run", "task", "keep", "k", "similarity", "chosen", "weighting")
run_id = state.open_run()

if run_id is None:
    new_run()
    run_list()
else:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("New run", icon=":material/add:", on_click=open_new)
    run_view(run_id)
    with st.expander("All runs", icon=":material/list:"):
        run_list()
