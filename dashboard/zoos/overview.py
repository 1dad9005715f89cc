"""Which zoos are here, what each comes to, and which one all pages use."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from core.pruning.engine import BUILD_AGAIN, is_outdated
from core.workshop.removal import is_own, remove_zoo
from core.zoo.exchange import own_backbone
from core.zoo.summary import Summary
from core.zoo.zoo import Zoo
from dashboard import columns, data, parts, state, theme
from dashboard.compose import title as dataset_title
from dashboard.errors import as_sentence
from dashboard.pick import pick_one
from dashboard.ways import MAP, way
from dashboard.zoos.passing_on import Packed
from dashboard.zoos.removing import remove_button

TABLE, USED = "table of zoos", " "


def pick_zoo(ids: Sequence[str]) -> str:
    """The zoo that all pages use, chosen in a box or by a row of the table (`?zoo=`)."""
    return pick_one(
        "zoo",
        "Zoo that all pages use",
        "zoo",
        {id: id for id in ids},
        data.DEFAULT_ZOO,
        on_change=state.forget_what_hangs_on_the_zoo,
        help="The map, the votes and new runs are of this zoo, on its backbone. It stands in every page's link.",
    )


def table(found: Sequence[Summary], broken: Mapping[str, str], chosen: str) -> None:
    """Every zoo in a row; choosing one has all pages use it. A phone shows name and accuracy, `details` the rest."""

    def on_row() -> None:
        if rows := st.session_state[TABLE].selection.rows:
            state.use_zoo(found[rows[0]].id)

    frame = pd.DataFrame(
        {
            USED: ["✓" if one.id == chosen else "" for one in found],
            "Zoo": [one.id for one in found],
            "Accuracy": _numbers([one.mean_accuracy for one in found], 100),
            "Tasks": [one.tasks for one in found],
            "Lowest": _numbers([one.lowest_accuracy for one in found], 100),
            "Keep": [100 * one.keep for one in found],
            "CPU time": _numbers([one.cpu_seconds for one in found]),
            "Data sets": [", ".join(map(dataset_title, one.datasets)) for one in found],
            "Targets": [one.targets for one in found],
            "Backbone": [one.backbone for one in found],
            "Architecture": [one.architecture or "" for one in found],
            "Weights": [one.source or "not here" for one in found],
            "Size": [one.bytes / 1e6 for one in found],
        }
    )
    columns.table(
        frame,
        {
            "Accuracy": columns.PERCENT.told("Mean of its slim models, on their own validation images"),
            "Lowest": columns.PERCENT.told("Of its weakest slim model"),
            "Keep": columns.RATIO.told("Share of the channels its models keep"),
            "CPU time": columns.DURATION.told("What building it took"),
            "Size": columns.MEGABYTES,
        },
        {
            USED: st.column_config.TextColumn(width=25, help="The zoo that all pages use"),
            "Weights": st.column_config.TextColumn(help="How the backbone was trained"),
        },
        key=TABLE,
        on_select=as_sentence()(on_row),
        selection_mode="single-row",
        alt=f"The {len(found)} zoos that are here, with tasks, accuracy, cost and backbone; {chosen} is used",
    )
    for id, sentence in broken.items():
        st.warning(f"**{id}** cannot be used. {sentence}", icon=":material/broken_image:")
        if is_own(id):
            _removal(id)


def _numbers(values: Sequence[float | None], times: float = 1) -> pd.Series:
    return times * pd.Series(values, dtype=float)


def details(used: Summary, zoo: Zoo) -> None:
    """The zoo that is used, in a sentence, and what can be done with it."""
    with st.container(border=True, gap="small"):
        st.markdown(f"**{used.id}** {_sentence(used)}")
        if is_outdated(used.to_dict()):
            st.warning(BUILD_AGAIN, icon=":material/history:")
        if not used.backbone_here:
            st.warning(
                f"Its backbone {used.backbone} is not here, or another one has its name: its votes can be looked at, "
                "but there can be no new targets and no runs. Add the backbone below, under the same name.",
                icon=":material/link_off:",
            )
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            way(MAP, "Open its map", ":material/scatter_plot:", {"zoo": used.id}, primary=True)
            _download(zoo, used)
            if is_own(used.id):
                _removal(used.id)


def _removal(id: str) -> None:
    consequences = (
        f"Permanently deletes the zoo **{id}** with its pruned models and held-out targets. Download it first if you "
        "may want to import it again. Runs it voted for are kept, but cancelled or failed ones cannot be resumed, and "
        "its build cost is lost."
    )
    remove_button("zoo", id, consequences, _remove)


def _remove(id: str) -> None:
    """Delete a zoo; where all pages used it, they use the shipped one from then on. A callback."""
    remove_zoo(id, data.store())
    if st.session_state.get(state.ZOO) == id:
        state.use_zoo(data.DEFAULT_ZOO)


def _sentence(used: Summary) -> str:
    made = f", {used.imported} of them made elsewhere" if used.imported else ""
    accuracy = ""
    if used.mean_accuracy is not None and used.lowest_accuracy is not None:
        accuracy = (
            f" They get {theme.percent(used.mean_accuracy)} of their own validation images right on average, the "
            f"weakest {theme.percent(used.lowest_accuracy)}."
        )
    cost = "" if used.cpu_seconds is None else f" Building it took {theme.duration(used.cpu_seconds)} of CPU time."
    tasks = f"{used.tasks} pruned models" if used.tasks != 1 else "one pruned model"
    targets = f"{used.targets} target{'s' if used.targets != 1 else ''} held out"
    sets = parts.sentence_list([dataset_title(name) for name in used.datasets])
    backbone = ", ".join(filter(None, [used.architecture, used.source and f"{used.source} weights"]))
    return (
        f"holds {tasks}{made}, of tasks in {sets}, at a keep ratio of {theme.ratio(used.keep)}, with {targets}."
        f"{accuracy} Its backbone is {used.backbone}{f' ({backbone})' if backbone else ''}. "
        f"It takes {theme.megabytes(used.bytes)}.{cost}"
    )


def _download(zoo: Zoo, used: Summary) -> None:
    """A button that packs the zoo when it is pressed, and says why where that cannot be."""
    own = own_backbone(zoo)
    with_backbone = own and used.backbone_here
    packed = Packed(zoo, with_backbone)
    st.download_button(
        "Download it as one file",
        packed.content,
        file_name=f"{used.id}.zip",
        mime="application/zip",
        icon=":material/download:",
        on_click=as_sentence()(packed.check),  # the browser is told no more than that packing failed: the page says why
        help="All its models and what is known of them"
        + (", and its backbone, as that is yours." if with_backbone else "."),
    )
    if own and not used.backbone_here:
        st.caption(f"Without its backbone {used.backbone}, which is not here.")
