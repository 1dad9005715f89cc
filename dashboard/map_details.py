"""One zoo task looked at closely, who votes, and the neighbours as a table."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO

import pandas as pd
import streamlit as st
from PIL import Image

from core.tasks.task import Task
from core.zoo.zoo import Neighbour, Zoo
from dashboard import columns, data, parts, theme, voters
from dashboard.atlas import Shade
from dashboard.errors import as_sentence
from dashboard.links import linked, one_of

TILE = 40  # pixels
TABLE, WHO = "table of neighbours", "who votes"


def details(
    zoo: Zoo,
    target: Task,
    ranked: Sequence[Neighbour],
    near: Sequence[Neighbour],
    shades: Mapping[str, Shade],
    k: int,
    similarity: str,
) -> str | None:
    """A zoo task chosen from a list, by a click or by link (`?detail=`): its classes, numbers, and the swap. Its id."""
    ranks = {row.task.id: rank for rank, row in enumerate(ranked, 1)}
    titles = data.titles(zoo)
    chosen: str | None = linked(
        "detail",
        None,
        one_of("zoo task", list(ranks)),
        lambda: st.selectbox(
            "Look at a zoo task",
            list(ranks),
            index=None,
            format_func=lambda id: f"{ranks.get(id)} · {id} · {titles.get(id)}",
            key="detail",
            persist_state="session",
            placeholder="Click one on the map, or choose it here",
            help="Most similar first, with its rank. Type to search by class.",
        ),
    )
    if chosen is None:
        return None
    row = ranked[ranks[chosen] - 1]
    with st.container(border=True, gap="small"):
        st.markdown(f"**{chosen}** is rank {ranks[chosen]} of {len(ranked)}{_votes(chosen, near)}.")
        st.caption(" · ".join(_facts(row.task, target, shades)))
        _pictures(row.task, target)
        _swap(zoo, target, row, near, k, similarity)
    return chosen


def _votes(id: str, near: Sequence[Neighbour]) -> str:
    return " and votes" if id in [row.task.id for row in near] else " and does not vote"


def _facts(task: Task, target: Task, shades: Mapping[str, Shade]) -> list[str]:
    facts = [f"shares {task.shared(target)} of {len(target.classes)} classes"]
    named = {name: shade.text(task.id) for name, shade in shades.items() if task.id in shade.values}
    words = {
        "similarity": "similarity {}",
        "accuracy": "slim accuracy {}",
        "sparsity": "{} of the parameters removed",
        "trust": "trust in its place {}",
    }
    return facts + [words[name].format(text) for name, text in named.items() if name in words]


def _pictures(task: Task, target: Task) -> None:
    """One picture per class; classes that the target has too are in bold."""
    with st.container(horizontal=True, gap="xsmall"):
        for name in task.classes:
            label = theme.class_label(task.dataset, name)
            with st.container(width=68, gap="xxsmall"):
                if picture := data.class_strip(task.dataset, name, 1, parts.paper()):
                    st.image(picture, width=48, alt=f"Example of {label}")
                st.caption(f"**{label}**" if task.dataset == target.dataset and name in target.classes else label)


def _swap(zoo: Zoo, target: Task, row: Neighbour, near: Sequence[Neighbour], k: int, similarity: str) -> None:
    """Buttons that let a task vote, or vote no more."""
    id, ids = row.task.id, [each.task.id for each in near]
    beside = (zoo, target, k, similarity)
    with st.container(horizontal=True, gap="small"):
        if id in ids:
            st.button(
                "Take it out of the vote",
                icon=":material/person_remove:",
                disabled=len(ids) == 1,
                help="One neighbour at least has to vote." if len(ids) == 1 else None,
                on_click=as_sentence()(voters.choose),
                args=(voters.swapped(near, id), *beside),
            )
            return
        least = ids[-1]
        st.button(
            f"Swap it in for {least}",
            icon=":material/swap_horiz:",
            help=f"{least} is the least similar of those that vote.",
            on_click=as_sentence()(voters.choose),
            args=([*ids[:-1], id], *beside),
        )
        st.button(
            "Let it vote too",
            icon=":material/person_add:",
            on_click=as_sentence()(voters.choose),
            args=([*ids, id], *beside),
        )


def who_votes(
    zoo: Zoo, target: Task, ranked: Sequence[Neighbour], near: Sequence[Neighbour], k: int, similarity: str
) -> None:
    """All neighbours in one box, to take out and let in by hand; drawn once it is opened, as a zoo's list is long."""
    opened = st.expander("Swap neighbours by hand", icon=":material/swap_horiz:", key=f"{WHO} open", on_change="rerun")
    if not opened.open:
        return
    st.session_state[WHO] = [row.task.id for row in near]

    @as_sentence()
    def changed() -> None:
        voters.choose(st.session_state[WHO], zoo, target, k, similarity)

    titles = data.titles(zoo)
    with opened:
        st.multiselect(
            "Who votes",
            [row.task.id for row in ranked],
            format_func=lambda id: f"{id} · {titles.get(id)}",
            key=WHO,
            on_change=changed,
            max_selections=voters.MOST_CHOSEN,
            help="Take a neighbour out with its ×, let any other zoo task in by choosing it; most similar first. With "
            "none left, the most similar ones vote again.",
        )


def neighbour_table(zoo: Zoo, target: Task, ranked: Sequence[Neighbour], near: Sequence[Neighbour]) -> None:
    """The neighbours, best first; a chosen row is looked at closely."""
    ranks = {row.task.id: rank for rank, row in enumerate(ranked, 1)}
    ids = [row.task.id for row in near]

    def on_row() -> None:
        if rows := st.session_state[TABLE].selection.rows:
            st.session_state["detail"] = ids[rows[0]]

    frame = pd.DataFrame(
        {
            "Rank": [ranks[id] for id in ids],
            "Task": ids,
            "Pictures": [task_strip(row.task, parts.paper()) for row in near],
            "Similarity": [row.similarity for row in near],
            "Shared classes": [row.task.shared(target) for row in near],
            "Slim accuracy": [100 * zoo.accuracy(id) for id in ids],
            "Classes": [
                ", ".join(theme.class_label(row.task.dataset, name) for name in row.task.classes) for row in near
            ],
        }
    )
    columns.table(
        frame,
        {
            "Similarity": columns.SIMILARITY,
            "Slim accuracy": columns.PERCENT.told("Of the zoo task's own slim model, on its own validation images"),
        },
        {
            "Rank": st.column_config.NumberColumn(width=50),
            "Pictures": st.column_config.ImageColumn(width=5 * TILE + 20, help="One training image of each class"),
        },
        key=TABLE,
        on_select=on_row,
        selection_mode="single-row",
        row_height=TILE + 4,
        alt=f"The {len(near)} zoo tasks that vote for {target.id}, with similarity and shared classes",
    )


@st.cache_data(max_entries=512, show_spinner=False)
def task_strip(task: Task, paper: str) -> str | None:
    """One small picture of each of a task's first classes side by side, as a data address; None without pictures."""
    strips = [data.class_strip(task.dataset, name, 1, paper) for name in task.classes[:5]]
    pictures = [Image.open(BytesIO(strip)).resize((TILE, TILE)) for strip in strips if strip]
    if not pictures:
        return None
    whole = Image.new("RGB", (TILE * len(pictures), TILE), paper)
    for place, picture in enumerate(pictures):
        whole.paste(picture, (TILE * place, 0))
    output = BytesIO()
    whole.save(output, "WEBP", quality=85)
    return f"data:image/webp;base64,{b64encode(output.getvalue()).decode()}"
