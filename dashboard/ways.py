"""The ways from page to page: links that look like buttons, so that choices travel along and no timer gets in between.

Not `st.switch_page`: a part of a page that looks again every so often (`watch`) may ask once more after the switch,
with the page it is from, whereupon Streamlit 1.67 takes everything off the new page in the browser, and nothing brings
it back. A link ends the timers in the browser before it asks for the page.
"""

from collections.abc import Mapping
from typing import Literal

import streamlit as st

from dashboard import theme

RUN, VOTES, MAP = "app_pages/run.py", "app_pages/votes.py", "app_pages/task_map.py"
COMPARE, ZOOS = "app_pages/compare.py", "app_pages/zoos.py"
NEW = "new"  # as `?run=`: the form, whichever run was open last

_PRIMARY = f"light-dark({theme.PRIMARY['light']}, {theme.PRIMARY['dark']})"
STYLE = f"""
[class*="st-key-way-"] a {{
  min-height: 2.5rem; padding: 0.25rem 0.75rem; border-radius: 0.5rem; justify-content: center;
  border: 1px solid color-mix(in srgb, {theme.GREY} 40%, transparent);
}}
[class*="st-key-way-primary-"] a {{ background: {_PRIMARY}; border-color: {_PRIMARY}; }}
[class*="st-key-way-primary-"] a:hover {{ background: color-mix(in srgb, {_PRIMARY} 65%, black); }}
[class*="st-key-way-primary-"] a * {{ color: {theme.WHITE}; }}
"""


def way(
    page: str,
    label: str,
    icon: str,
    link: Mapping[str, str] | None = None,
    *,
    primary: bool = False,
    wide: bool = False,
) -> None:
    """A way to another page, which takes along the choices in `link`, or where that is None all of this page's.

    All of them are known only below the widgets that make them: what is drawn above has to say what it takes along,
    and the session keeps the rest.
    """
    width: Literal["stretch", "content"] = "stretch" if wide else "content"
    kind = "primary" if primary else "plain"
    carried = st.query_params.to_dict() if link is None else dict(link)
    with st.container(key=f"way-{kind}-{label}", width=width):
        st.page_link(page, label=label, icon=icon, width=width, query_params=carried)
