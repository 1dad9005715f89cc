"""Task map: choose a target, see its neighbours on a map and who they truly are, swap them, compose a new target."""

import streamlit as st

from dashboard import atlas, data, links, map_state, parts, state, theme, voters, zoo_states
from dashboard.compose import dialog
from dashboard.errors import as_sentence
from dashboard.figures import similarities, task_map
from dashboard.map_details import details, neighbour_table, who_votes
from dashboard.new_targets import in_progress, own_target
from dashboard.ways import VOTES, way

MAP = "map of tasks"
TOOLS = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}

links.heading("Task map", "task", "k", "similarity", "chosen", "layout", "colour", "search", "detail")
zoo = state.zoo()
state.zoo_line(zoo)
in_progress(zoo)
targets = data.targets(zoo)
zoo_states.need_targets(zoo, targets, on_map=True)

with st.container(border=True):
    first, second, third, fourth = st.columns([5, 3, 2, 2], vertical_alignment="bottom")
    with first:
        target = state.pick_task(targets)
    with second:
        k = state.pick_k(zoo, target)
    with third:
        similarity = state.pick_similarity()
    with fourth:
        if st.button("New target", icon=":material/add:", width="stretch", help="Compose a target of your own."):
            dialog(zoo)

ranked = data.ranking(zoo, target.id, similarity)
near = voters.voters(zoo, target, k, similarity)
near_tasks = [row.task for row in near]
zoo_states.say_what_is_unusual(zoo)
voters.banner(near, k)


@as_sentence()
def on_map_click() -> None:
    """Take a clicked point: a target becomes the task, a zoo task shows its details."""
    id = task_map.clicked_task(st.session_state[MAP])
    if id in {task.id for task in targets}:
        st.session_state["task"] = id
    elif id in {row.task.id for row in ranked}:
        st.session_state["detail"] = id


left, right = st.columns([3, 2], gap="medium")
with left:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kind = state.pick_layout()
        drawn = atlas.atlas(zoo, kind)
        shades = atlas.shades(zoo, target, similarity, kind)
        shade = shades.get(map_state.pick_colour(shades))
        found = atlas.search(map_state.pick_search(), [*zoo.tasks, *targets])
    map_box = st.container()
with right:
    looked_at = details(zoo, target, ranked, near, shades, k, similarity)
    values, ids = [(row.task.id, row.similarity) for row in ranked], [task.id for task in near_tasks]
    st.plotly_chart(
        similarities.similarity_chart(values, ids, similarity),
        config={"displayModeBar": False},
        alt=similarities.similarity_alt(values, ids, similarity),
    )
    st.caption(f"{theme.SIMILARITIES[similarity]}: {theme.SIMILARITY_HELP[similarity]}.")
with map_box:
    map_state.say_what_was_found(found, shade)
    look = task_map.Look(
        shading=map_state.shading(shade),
        found=found.tasks if found else None,
        looked_at=looked_at,
        own=frozenset(task.id for task in targets if task.id not in zoo.rows),
        notes=map_state.notes(ranked, shades),
    )
    st.plotly_chart(
        task_map.task_map(zoo.tasks, targets, drawn.places, target, near_tasks, look),
        key=MAP,
        on_select=on_map_click,
        selection_mode="points",
        config=TOOLS,
        alt=task_map.task_map_alt(kind, target, near_tasks, drawn.trustworthiness),
    )
    map_state.explain(kind, drawn, target)

st.subheader(f"Its {len(near)} neighbours" if len(near) > 1 else "Its neighbour", anchor=False)
who_votes(zoo, target, ranked, near, k, similarity)
neighbour_table(zoo, target, ranked, near)
way(VOTES, "Look at votes", ":material/how_to_vote:", primary=True)

st.subheader(f"The target, {target.id}", anchor=False)
own_target(zoo, target)
parts.class_gallery(target)
