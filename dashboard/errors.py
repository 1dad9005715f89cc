"""How errors that a user can meet look on a page: one sentence, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import MetaVoteError


class ToldError(Exception):
    """Ends a page that has itself said what is wrong, and shown what to do about it."""


@contextmanager
def as_sentence() -> Iterator[None]:
    """Show a MetaVoteError as its sentence. Also a decorator, for callbacks and fragments, which run on their own."""
    try:
        yield
    except ToldError:
        return
    except MetaVoteError as error:
        st.error(str(error), icon=":material/error:")
