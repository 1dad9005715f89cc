"""A run's notes and tags, edited in place."""

from collections.abc import Sequence

import streamlit as st

from core.runs.record import RunRecord
from core.runs.rows import LONGEST_TAG
from dashboard import data
from dashboard.compare.many import linked_many
from dashboard.errors import as_sentence

TAGGED = "tagged"


def notes_and_tags(record: RunRecord) -> None:
    """The fields, each kept as soon as it is left; all who look at the run see it."""
    tags_key, notes_key = f"tags of {record.id}", f"notes of {record.id}"

    @as_sentence()
    def keep_tags() -> None:
        data.store().set_tags(record.id, st.session_state[tags_key])

    @as_sentence()
    def keep_notes() -> None:
        data.store().set_notes(record.id, st.session_state[notes_key])

    label = " · ".join(["Notes and tags", *record.tags])
    with st.expander(label, icon=":material/edit_note:"):
        writable = data.writable()
        st.session_state.setdefault(notes_key, record.notes)
        st.session_state.setdefault(tags_key, list(record.tags))
        st.multiselect(
            "Tags",
            _known([*record.tags, *st.session_state[tags_key]]),
            key=tags_key,
            accept_new_options=True,
            placeholder="Choose a tag, or type a new one",
            on_change=keep_tags,
            disabled=not writable,
            help="Words to find the run by, in the list of runs and on the comparison.",
        )
        st.text_area(
            "Notes",
            key=notes_key,
            on_change=keep_notes,
            placeholder="What you wanted to know, and what came of it",
            disabled=not writable,
            help="Kept as you leave the field.",
        )


def pick_tags(help: str) -> list[str]:
    """Tags for runs to come (`?tagged=a,b`)."""
    return linked_many(
        TAGGED,
        lambda text: text.strip()[:LONGEST_TAG],
        lambda: st.multiselect(
            "Tags",
            _known(st.session_state[TAGGED]),
            key=TAGGED,
            persist_state="session",
            accept_new_options=True,
            placeholder="None",
            help=help,
        ),
    )


def _known(more: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*data.known_tags(), *more]))
