"""The theme in the link: `?theme=dark` opens a page dark, and a theme chosen in the settings menu goes into the link.

Streamlit's browser side alone decides on the theme, before any script of ours runs, by `?embed_options=dark_theme` or
the user's settings. So a link that asks for the other theme is opened a second time with that option beside it.
"""

import streamlit as st

from dashboard.links import linked, one_of

THEMES = ("light", "dark")
KEY, SHOWN = "theme", "theme shown last"
AGAIN = """<script>
const address = new URL(window.location.href);
if (!address.searchParams.getAll("embed_options").includes("{theme}_theme")) {{
  address.searchParams.delete("embed_options");
  address.searchParams.append("embed_options", "{theme}_theme");
  window.location.replace(address);
}}
</script>"""


def follow() -> None:
    """Bring theme and link together; after the page, whose title has made room for what is wrong with its link."""
    asked = st.query_params.get(KEY) != st.session_state.get(f"{KEY} in link")
    wanted: str | None = linked(KEY, None, one_of("theme", THEMES), lambda: st.session_state[KEY])
    shown, before = st.context.theme.type, st.session_state.get(SHOWN)
    # What a session hears in its first run may be wrong: "" stands for a first run.
    st.session_state[SHOWN] = "" if before is None else shown
    if wanted is not None and shown != wanted and (asked or not before):
        st.html(AGAIN.format(theme=wanted), unsafe_allow_javascript=True)
    elif before and shown is not None and shown != before:
        st.session_state[KEY] = st.query_params[KEY] = st.session_state[f"{KEY} in link"] = shown
