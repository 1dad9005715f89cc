"""Task map: choose a target, see its neighbours on a map, and the true similarities beside it."""

import pandas as pd
import streamlit as st

from core.zoo.zoo import Neighbour
from dashboard import data, links, parts, state, theme, voters
from dashboard.errors import as_sentence
from dashboard.figures import similarities, task_map

MAP = "map of tasks"
HIDE_TOOLS = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}

links.heading("Task map", "task", "k", "similarity", "chosen", "layout")
zoo = data.zoo()
targets, by_id = data.targets(zoo), {task.id: task for task in zoo.tasks}

with st.container(border=True):
    first, second, third = st.columns([5, 3, 2], vertical_alignment="bottom")
    with first:
        target = state.pick_task(targets)
    with second:
        k = state.pick_k(zoo, target)
    with third:
        similarity = state.pick_similarity()

ranked = data.ranking(zoo, target.id, similarity)
near = voters.voters(zoo, target, k, similarity)


def choose(id: str | None) -> None:
    """Take a clicked point: a target becomes the task, a zoo task shows its details."""
    if id in {task.id for task in targets}:
        st.session_state["task"] = id
    elif id in by_id:
        st.session_state["detail"] = id


@as_sentence()
def on_map_click() -> None:
    """A second click on a point sends an empty selection, which changes nothing."""
    choose(task_map.clicked_task(st.session_state[MAP]))


def table(rows: list[Neighbour]) -> pd.DataFrame:
    """The neighbours as a table, best first."""
    return pd.DataFrame(
        {
            "Rank": range(1, len(rows) + 1),
            "Task": [row.task.id for row in rows],
            "Similarity": [row.similarity for row in rows],
            "Shared classes": [row.task.shared(target) for row in rows],
            "Slim accuracy": [100 * zoo.accuracy(row.task.id) for row in rows],
            "Classes": [
                ", ".join(theme.class_label(row.task.dataset, name) for name in row.task.classes) for row in rows
            ],
        }
    )


left, right = st.columns([3, 2], gap="medium")
with left:
    kind = state.pick_layout()
    where, trust = data.coordinates(zoo, kind)
    near_tasks = [row.task for row in near]
    st.plotly_chart(
        task_map.task_map(zoo.tasks, targets, where, target, near_tasks),
        key=MAP,
        on_select=on_map_click,
        selection_mode="points",
        config=HIDE_TOOLS,
        alt=task_map.task_map_alt(kind, target, near_tasks, trust),
    )
    st.caption(
        f"{theme.LAYOUTS[kind]} {theme.LAYOUT_HELP[kind]}. Click a target (diamond) to choose it, a zoo task to see it "
        f"below. Trustworthiness {theme.decimal(trust)}: how many of a task's closest points on this map are truly "
        "close, 1 being all. Neighbours are ranked by true similarity, never by the map; where their circles would "
        "cover each other, they stand a little aside."
    )
with right:
    ranking = [(row.task.id, row.similarity) for row in ranked]
    st.plotly_chart(
        similarities.similarity_chart(ranking, k, similarity),
        config={"displayModeBar": False},
        alt=similarities.similarity_alt(ranking, k, similarity),
    )
    st.caption(f"{theme.SIMILARITIES[similarity]}: {theme.SIMILARITY_HELP[similarity]}.")

if st.button("Look at votes", type="primary", icon=":material/how_to_vote:"):
    state.go("app_pages/votes.py")

st.subheader(f"The target, {target.id}", anchor=False)
parts.class_gallery(target)

st.subheader(f"Its {k} neighbours" if k > 1 else "Its nearest neighbour", anchor=False)
st.dataframe(
    table(near).style.format({"Similarity": lambda value: theme.decimal(value, 3)}),  # with a true minus
    hide_index=True,
    column_config={
        "Rank": st.column_config.NumberColumn(width=50),
        "Slim accuracy": st.column_config.NumberColumn(
            format="%.1f %%", help="Of the zoo task's own slim model, on its own validation images"
        ),
    },
    alt=f"The {k} zoo tasks most similar to {target.id}, with similarity and shared classes",
)

detail = st.selectbox(
    "A zoo task in pictures",
    [row.task.id for row in ranked],
    format_func=lambda id: f"{id} · {by_id[id].title}",
    key="detail",
    help="Most similar first. A click on a zoo task in the map chooses it here.",
)
rank = [row.task.id for row in ranked].index(detail) + 1
shown = by_id[detail]
parts.task_row(
    shown,
    f"Rank {rank} of {len(ranked)} by {theme.SIMILARITIES[similarity]} "
    f"({theme.decimal(ranked[rank - 1].similarity, 3)}); shares {shown.shared(target)} of {len(target.classes)} classes"
    " with the target, in bold.",
    target,
)
