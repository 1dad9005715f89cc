"""What a person asks of the map (colour, search), and what the map says in words around it."""

from collections.abc import Mapping, Sequence

import streamlit as st

from core.neighbours.trust import NEAREST
from core.tasks.task import Task
from core.zoo.zoo import Neighbour
from dashboard import parts, theme
from dashboard.atlas import BETWEEN, Atlas, Search, Shade
from dashboard.figures.task_map import Shading
from dashboard.links import linked
from dashboard.pick import pick_one

LONGEST_SEARCH = 60


def pick_colour(shades: Mapping[str, Shade]) -> str:
    """The attribute that points are coloured by (`?colour=`); "kind" for none."""
    return pick_one(
        "colour",
        "Colour by",
        "attribute to colour by",
        {name: title for name, title in theme.SHADES_OF_TASKS.items() if name == "kind" or name in shades},
        width=210,
        help="What the colour of a point on the map tells.",
    )


def pick_search() -> str:
    """A text that classes are searched for (`?search=`), "" for none."""
    return linked(
        "search",
        "",
        lambda text: text.strip()[:LONGEST_SEARCH],
        lambda: st.text_input(
            "Search classes",
            key="search",
            persist_state="session",
            max_chars=LONGEST_SEARCH,
            width=180,
            placeholder="such as face",
            icon=":material/search:",
            help="Tasks that have a class of such a name stay in colour, the others fade.",
        ),
    )


def clear_search() -> None:
    """Show all tasks alike again. A callback."""
    st.session_state["search"] = ""


def shading(shade: Shade | None) -> Shading | None:
    """An attribute as the map draws it."""
    if shade is None:
        return None
    return Shading(shade.title, shade.values, {id: shade.text(id) for id in shade.values})


def notes(ranked: Sequence[Neighbour], shades: Mapping[str, Shade]) -> dict[str, str]:
    """Task id -> what its hover says below its classes: rank, similarity, trust."""
    found = {
        row.task.id: f"rank {rank}, similarity {theme.decimal(row.similarity, 3)}" for rank, row in enumerate(ranked, 1)
    }
    if trust := shades.get("trust"):
        for id in trust.values:
            found[id] = ", ".join(filter(None, [found.get(id), f"trust {trust.text(id)}"]))
    return found


def say_what_was_found(found: Search | None, shade: Shade | None) -> None:
    """A line above the map: what its colours mean, and what the search found."""
    if shade is not None:
        st.caption(f"{shade.title}: {shade.sentence}.")
    if found is None:
        return
    if found.tasks:
        classes = parts.sentence_list(found.classes[:3])
        others = f" and {len(found.classes) - 3} more" if len(found.classes) > 3 else ""
        tasks = f"{len(found.tasks)} tasks have" if len(found.tasks) > 1 else "One task has"
        said = f":material/search: **{tasks} a class like '{found.text}'**: {classes}{others}. The others are faded."
    else:
        hint = f"Did you mean {found.hint}?" if found.hint else "Try a shorter word."
        said = f":material/search_off: **No task here has a class like '{found.text}'.** {hint}"
    words, way_back = st.columns([5, 1.4], vertical_alignment="center")
    with words:
        st.markdown(said)
    with way_back:
        st.button("Clear", icon=":material/close:", on_click=clear_search, help="Clear the search.")


def explain(kind: str, drawn: Atlas, target: Task) -> None:
    """What the layout does, how far it can be trusted, and how an own target got its place on it."""
    trusted = ""
    if (own := drawn.trust.get(target.id)) is not None:
        nearest = min(NEAREST, len(drawn.trust) - 1)
        trusted = (
            f" Of the {nearest} tasks nearest to {target.id} on this map, {theme.percent(own)} are truly among its "
            f"{nearest} nearest."
        )
    st.caption(f"{theme.LAYOUTS[kind]} {theme.LAYOUT_HELP[kind]}.{trusted}")
    if target.id in drawn.between:
        st.caption(
            f"This map was made before {target.id}, which is therefore put between the {BETWEEN} tasks nearest to it "
            f"in the embedding: {parts.sentence_list(drawn.between[target.id])}."
        )
    with st.popover("How to read this map", icon=":material/help:", type="tertiary"):
        st.markdown(
            "Each point is a task, and tasks whose images look alike to the backbone stand close together. **Click** a "
            "diamond to make it the target, a circle to look at that zoo task.\n\nA flat map bends distances. "
            f"*Trustworthiness* says how far: {theme.decimal(drawn.trustworthiness)} here, 1 being not at all. *Trust* "
            f"says it for one point: the {theme.TRUST_HELP}.\n\nNeighbours are ranked by true similarity, never by "
            "this map; where their circles would cover each other, they stand a little aside."
        )
