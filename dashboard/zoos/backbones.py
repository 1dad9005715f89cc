"""Which backbones are here, and the form that makes a checkpoint one of the user's own."""

from pathlib import Path
from typing import Any

import streamlit as st

from core.backbones.coverage import weights_words
from core.backbones.layouts import LAYOUTS, SOURCES
from core.backbones.listing import About, backbone_ids, backbones
from core.errors import MetaVoteError
from core.workshop import work
from core.workshop.backbone_removal import is_removable, remove_backbone
from dashboard import data, theme
from dashboard.zoos.removing import remove_button

UPLOAD, LARGEST = "checkpoint file", 2000  # megabytes
ENDINGS = ["pth", "pt", "tar", "ckpt", "safetensors", "bin"]
COMMON = ("resnet18", "resnet34", "resnet50", "vgg16_bn", "mobilenet_v2")
AS_RECOGNISED, AS_TOLD = "as recognised", "as its layout tells"


def draw() -> None:
    """The list, and the form."""
    _list()
    _form()


def _list() -> None:
    """One line each, which a phone can fold; the user's own with a button that removes it."""
    st.markdown("**Backbones** that are here: the networks, before pruning, that zoos are made on.")
    found = backbones()
    st.markdown("\n".join(f"- **{one.id}**: {_about(one)}" for one in found if one.shipped))
    for one in found:
        if not one.shipped:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"- **{one.id}**: {_about(one)}", width="stretch")
                _removal(one.id)
    for id in sorted(set(backbone_ids()) - {one.id for one in found}):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.warning(f"The file of **{id}** is damaged: remove it, then re-add it.", icon=":material/broken_image:")
            if is_removable(id):
                _removal(id)


def _removal(id: str) -> None:
    consequences = (
        f"Permanently deletes the backbone **{id}**. Finished runs and their models are kept. Refused while a zoo or "
        "an unfinished run needs it."
    )
    remove_button("backbone", id, consequences, _remove)


def _remove(id: str) -> None:
    """Delete a backbone. A callback."""
    remove_backbone(id, data.store())


def _about(one: About) -> str:
    parts = [
        one.architecture,
        weights_words(one.source, one.about),
        f"images of {one.size} × {one.size} pixels",
        theme.megabytes(one.bytes),
    ]
    return ", ".join([*parts, "shipped" if one.shipped else "yours"])


def _form() -> None:
    """What the file does not say of itself, and the file."""
    st.markdown(
        "**Add a backbone** from a checkpoint: self-supervised ones as they are published (MoCo, DINO, SwAV, ...), "
        "or any `.pth` or `.safetensors` of a supported architecture. Only tensors are read, nothing in it is run."
    )
    file = st.file_uploader("Checkpoint", type=ENDINGS, key=UPLOAD, max_upload_size=LARGEST)
    with st.grid(3, min_column_width=180):
        architecture = st.selectbox(
            "Architecture",
            COMMON,
            key="architecture of checkpoint",
            accept_new_options=True,
            help="Any that torchvision has a name for: type it where it is not listed.",
        )
        layout = st.selectbox(
            "Layout",
            [AS_RECOGNISED, *LAYOUTS],
            key="layout of checkpoint",
            format_func=lambda name: LAYOUTS[name].title if name in LAYOUTS else name,
            help="How the code that made it lays its checkpoints out.",
        )
        source = st.selectbox("Weights", [AS_TOLD, *SOURCES], key="source of checkpoint", help="How it was trained.")
        size = st.number_input(
            "Images, pixels",
            8,
            1024,
            64,
            8,
            key="size of checkpoint",
            help="Side of the square images it will be given.",
        )
        suggested = Path(file.name).stem.replace(" ", "-") if file is not None else ""
        name = st.text_input(
            "Name", key="name of backbone", max_chars=80, placeholder=suggested, help="What zoos will know it by."
        )
    if st.button("Add", icon=":material/add:", type="primary", disabled=file is None, key="add backbone") and file:
        about: dict[str, Any] = {"architecture": architecture, "size": int(size)}
        about |= {} if layout == AS_RECOGNISED else {"format": layout}
        about |= {} if source == AS_TOLD else {"source": source}
        try:
            work.add_backbone(file.getvalue(), file.name, name.strip() or suggested, about)
        except MetaVoteError as error:
            st.error(str(error), icon=":material/error:")
        else:
            st.rerun()
