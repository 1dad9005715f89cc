"""Zoos from others and for others: import a file, merge several, pack one."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import streamlit as st

from core.errors import MetaVoteError
from core.workshop import work
from core.zoo.exchange import give
from core.zoo.summary import Summary
from core.zoo.zoo import Zoo
from dashboard.errors import as_sentence

UPLOAD, LARGEST = "zoo file", 1000  # megabytes


class Packed:
    """A zoo as the content of one file, packed once: for the browser that saves it and the page, whoever asks first."""

    def __init__(self, zoo: Zoo, with_backbone: bool) -> None:
        self._zoo, self._with_backbone = zoo, with_backbone
        self._lock = Lock()
        self._made: bytes | MetaVoteError | None = None

    def content(self) -> bytes:
        """The file. Raises BadFileError, MismatchError, every time anew."""
        with self._lock:
            if self._made is None:
                try:
                    self._made = _packed(self._zoo, self._with_backbone)
                except MetaVoteError as error:
                    self._made = error
        if isinstance(self._made, MetaVoteError):
            raise self._made
        return self._made

    def check(self) -> None:
        """Raise what `content` would."""
        self.content()


def _packed(zoo: Zoo, with_backbone: bool) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "zoo.zip"
        give(zoo, file, with_backbone)
        return file.read_bytes()


def import_form() -> None:
    """Take a zoo file in; a process of its own checks all of it first."""
    st.markdown("**Import a zoo** that was downloaded here, or made by `python -m core zoo export`.")
    file = st.file_uploader(
        "Zoo file",
        type=["zip"],
        key=UPLOAD,
        max_upload_size=LARGEST,
        help="Every model in it is checked before anything changes here. Nothing in it is run.",
    )
    replace = st.checkbox(
        "Replace a zoo of the same name", key="replace zoo", help="Otherwise a name that is taken is refused."
    )
    if (
        st.button("Import", icon=":material/upload_file:", type="primary", disabled=file is None, key="import zoo")
        and file is not None
    ):
        with as_sentence():
            work.import_zoo(file.getvalue(), file.name, replace)
            st.rerun()


def merge_form(found: Sequence[Summary]) -> None:
    """Make one zoo of several on the same backbone."""
    st.markdown(
        "**Merge zoos** of the same backbone: more tasks, so that more targets find similar ones. Where two have a "
        "model for the same classes, that of the zoo chosen first stays."
    )
    chosen = st.multiselect(
        "Zoos to merge", [one.id for one in found], key="zoos to merge", placeholder="Choose two or more"
    )
    name = st.text_input("Name of the new zoo", key="name of merged zoo", max_chars=80, placeholder="such as all-tasks")
    backbones = {one.backbone for one in found if one.id in chosen}
    if len(backbones) > 1:
        st.info(
            f"These are on different backbones, {' and '.join(sorted(backbones))}: channels of one are not those of "
            "the other, so they cannot vote together.",
            icon=":material/info:",
        )
    if st.button("Merge", icon=":material/merge:", type="primary", disabled=len(backbones) > 1, key="merge zoos"):
        try:
            work.merge(name.strip(), chosen)
        except MetaVoteError as error:
            st.error(str(error), icon=":material/error:")
        else:
            st.rerun()
