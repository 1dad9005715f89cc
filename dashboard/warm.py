"""What the next page will need is imported while the first one is being looked at."""

from importlib import import_module
from threading import Thread

import streamlit as st

# In the order in which pages come to need them; together about a second of work, once per server process.
PACKAGES = ("pandas", "plotly.graph_objs", "altair")


@st.cache_resource(show_spinner=False)
def warm() -> Thread:
    """Start importing, once per server process, in a thread that ends with it."""
    thread = Thread(target=load, name="warm", daemon=True)
    thread.start()
    return thread


def load() -> None:
    """Import what tables and figures are made with, whole: Plotly imports its parts only when they are asked for."""
    for name in PACKAGES:
        import_module(name)
    import_module("plotly.graph_objs").Figure()
    import_module("dashboard.figures.live")
