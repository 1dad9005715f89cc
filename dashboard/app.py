"""Entry point: `python -m streamlit run dashboard/app.py`."""

import sys
from pathlib import Path

import streamlit as st

ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:  # `streamlit run` alone puts only this file's folder there
    sys.path.insert(0, ROOT)

from core.tasks import allowed  # noqa: E402
from dashboard import appearance, links, theme, warm, ways  # noqa: E402
from dashboard.errors import as_sentence  # noqa: E402

allowed.restrict()  # whoever opens a page is a visitor
st.set_page_config(page_title="Meta-Vote Studio", page_icon=":material/how_to_vote:", layout="wide")

page = st.navigation(
    [
        st.Page(
            "app_pages/start.py",
            title="Start",
            icon=":material/home:",
            default=True,
            help="What Meta-Vote Pruning is, where to begin, and your runs.",
        ),
        st.Page(
            "app_pages/task_map.py",
            title="Task map",
            icon=":material/scatter_plot:",
            url_path="map",
            help="Pick a target task and see which earlier tasks are most similar to it.",
        ),
        st.Page(
            "app_pages/votes.py",
            title="Votes",
            icon=":material/how_to_vote:",
            url_path="votes",
            help="See which channels the neighbours kept, group by group, and where they agree.",
        ),
        st.Page(
            "app_pages/run.py",
            title="Run",
            icon=":material/content_cut:",
            url_path="run",
            help="Prune the target task, watch it live, and open earlier runs.",
        ),
        st.Page(
            "app_pages/compare.py",
            title="Compare",
            icon=":material/compare_arrows:",
            url_path="compare",
            help="All runs in a table, and those you choose side by side.",
        ),
        st.Page(
            "app_pages/zoos.py",
            title="Zoos",
            icon=":material/database:",
            url_path="zoos",
            help="Which zoos and backbones are here, which one all pages use, and the way to more.",
        ),
    ],
    position="top",
)

# Long names end in dots, not in the middle of a letter; a title stands close below the navigation; and what Streamlit
# writes in the primary colour, which white must be readable on, is itself readable.
st.html(
    "<style>[role=combobox] { text-overflow: ellipsis; } .stHeading h1 { padding-top: 0.25rem; } "
    "[data-testid=stSliderThumbValue] p, button[data-selected=true] p "
    f"{{ color: light-dark({theme.MARKED['light']}, {theme.MARKED['dark']}); }} {ways.STYLE}</style>"
)

links.enter(page.url_path)
with as_sentence():
    page.run()
    appearance.follow()
warm.warm()  # after the page, which must not wait for it
