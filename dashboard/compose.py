"""The dialog that composes a new target: classes of a data set on this machine, or of a zip of image folders."""

from base64 import b64encode
from dataclasses import replace

import streamlit as st

from core.errors import MetaVoteError
from core.targets.state import MOST_CLASSES, check_few
from core.targets.work import compose
from core.tasks.datasets import DATASETS, dataset_names
from core.tasks.findings import repeat_sentences
from core.tasks.folder import PREFIX, path_of
from core.tasks.summary import outline
from core.tasks.upload import found_in_zip, take_in, uploaded, uploads
from core.zoo.zoo import Zoo
from dashboard import data, parts, theme
from dashboard.new_targets import await_target

DATASET, UPLOAD, CLASSES, TAKEN = "new dataset", "new zip", "new classes", "zip taken in"


@st.dialog("Compose a new target", width="large")
def dialog(zoo: Zoo) -> None:
    """Choose classes and a name; the target is then ranked by a process of its own."""
    # a dialog is drawn outside of the app, which alone is told its theme
    st.html(f"<style>[role=dialog] {{ color-scheme: {st.context.theme.type or 'light'}; }}</style>")
    st.caption(
        "Choose 2 to 20 classes. A process of its own then shows their training images to every model of the zoo and "
        "ranks them; you may go on meanwhile."
    )
    _upload()
    names = [name for name, found in dataset_names().items() if found.available] + uploaded()
    if st.session_state.get(DATASET) not in names:
        st.session_state[DATASET] = names[0]
    dataset = st.selectbox("Data set", names, format_func=title, key=DATASET, help=_missing())
    try:
        found = outline(dataset)
    except MetaVoteError as error:
        st.error(parts.literal(str(error)), icon=":material/error:")
        return
    _about(dataset, found.split)
    chosen = st.pills(
        "Classes",
        found.classes,
        selection_mode="multi",
        format_func=lambda name: _label(dataset, name),
        key=f"{CLASSES} {dataset}",
    )
    chosen = [name for name in found.classes if name in chosen]
    if chosen:
        with st.grid("auto", min_column_width=130, gap="small"):
            for name in chosen:
                if strip := data.class_strip(dataset, name, 4, parts.paper()):
                    st.image(strip, width="stretch", caption=theme.class_label(dataset, name))
    named = st.text_input("Name", max_chars=40, placeholder=_plain(dataset), help="Part of its id and of its link.")
    _start(zoo, named or _plain(dataset), dataset, chosen)


def _start(zoo: Zoo, name: str, dataset: str, classes: list[str]) -> None:
    """The button, and what is wrong with the choice so far."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        pressed = st.button("Rank the zoo for it", type="primary", icon=":material/play_arrow:")
        st.caption(f"{len(classes)} of 2 to {MOST_CLASSES} classes chosen")
    try:
        if pressed:
            check_few(len(classes))
            await_target(compose(name, dataset, classes, zoo).id)
            st.rerun()
    except MetaVoteError as error:
        st.error(parts.literal(str(error)), icon=":material/error:")


def _upload() -> None:
    """Take a zip in, once; its data set is then the one to choose classes of."""
    file = st.file_uploader(
        "Images of your own (optional)",
        type=["zip"],
        key=UPLOAD,
        help="A zip with one folder of images per class, such as cat/1.jpg and dog/1.jpg, optionally inside train, val "
        "and test folders. At least 3 images per class, at most 50 MB. Images stay on this machine.",
    )
    if file is None or st.session_state.get(TAKEN) == file.file_id:
        return
    try:
        with st.spinner("Looking at every image …"):
            st.session_state[DATASET] = take_in(file.getvalue(), file.name)
        st.session_state[TAKEN] = file.file_id
    except MetaVoteError as error:
        st.error(parts.literal(str(error)), icon=":material/error:")


def _about(dataset: str, split: str) -> None:
    """Which images serve which split; of a zip, also what was left out and what is in it twice."""
    st.caption(parts.literal(split))
    findings = found_in_zip(dataset)
    for sentence in replace(findings, repeats=()).sentences():
        st.caption(parts.literal(sentence))
    for sentence in repeat_sentences(findings.repeats):
        st.warning(f"{parts.literal(sentence)} Accuracy on duplicates is unreliable.", icon=":material/content_copy:")


def title(dataset: str) -> str:
    """What people read for a data set."""
    if dataset.startswith(PREFIX) and path_of(dataset).parent == uploads().absolute():
        return f"{path_of(dataset).name.rpartition('-')[0]} (uploaded)"
    if dataset.startswith(PREFIX):
        return f"{path_of(dataset).name} (folder)"
    return DATASETS[dataset].title if dataset in DATASETS else dataset  # which a zoo made elsewhere may name


def _plain(dataset: str) -> str:
    return path_of(dataset).name.rpartition("-")[0] if dataset.startswith(PREFIX) else f"my {dataset}"


def _missing() -> str | None:
    """How to get the data sets that are not here."""
    gone = [found.remedy for found in dataset_names().values() if not found.available]
    return "  \n".join(gone) or None


def _label(dataset: str, name: str) -> str:
    """A class's title behind a picture of it as small as a letter, where there is one."""
    strip = data.class_strip(dataset, name, 1, parts.paper()) if dataset == "emoji" else None
    words = theme.class_label(dataset, name)
    return f"![]({_address(strip)}) {words}" if strip else words


@st.cache_data(max_entries=512, show_spinner=False)
def _address(picture: bytes) -> str:
    return f"data:image/png;base64,{b64encode(picture).decode()}"
