"""Run: prune a target task and watch it live, open an earlier run (`?run=`), or watch one again (`?replay=`)."""

import streamlit as st

from dashboard import links, recordings, state
from dashboard.replay_view import replay_view
from dashboard.run_form import new_run
from dashboard.run_list import run_list
from dashboard.run_states import read_only
from dashboard.run_view import run_view


def open_new() -> None:
    """Leave the open run for the form."""
    st.session_state["run"] = st.session_state["replay"] = None


links.heading("Run", "run", "task", "keep", "allocation", "k", "similarity", "chosen", "weighting", *links.RUN)
replayed = recordings.open_replay()
run_id = state.open_run() if replayed is None else None

if replayed is None and run_id is None:
    read_only()
    new_run()
    run_list()
else:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("New run", icon=":material/add:", on_click=open_new)
    if replayed is not None:
        replay_view(replayed)
    elif run_id is not None:
        read_only()
        run_view(run_id)
        with st.expander("All runs", icon=":material/list:"):
            run_list()
