"""Who votes: the K most similar zoo tasks, or those that a person chose instead (`?chosen=`), on every page alike."""

from collections.abc import Iterable, Sequence

import streamlit as st

from core.errors import BadValueError, UnknownNameError
from core.tasks.task import Task
from core.voting import pick_voters
from core.zoo.zoo import Neighbour, Zoo
from dashboard import data
from dashboard.links import linked

CHOSEN, BESIDE = "chosen", "what neighbours were chosen beside"
MOST_CHOSEN = 48
_COMMA = {"%": "%25", ",": "%2C"}  # an id may hold a comma: that of a folder does, where the folder's name does


def voters(zoo: Zoo, target: Task, k: int, similarity: str) -> list[Neighbour]:
    """The K zoo tasks nearest to the target or, where the link holds `?chosen=`, those; with their true similarity,
    best first.

    Neighbours chosen by hand are let go, with a word, where K or the target has changed since.
    """
    ranked = data.ranking(zoo, target.id, similarity)
    ids = _chosen(zoo, target, k)
    best_first = [each.task.id for each in ranked if each.task.id in ids]
    return pick_voters(ranked, "chosen" if ids else "nearest", k, best_first)


def hand_picked() -> tuple[str, ...]:
    """Ids of the neighbours that were chosen by hand, as `voters` last found them on this page; () where none were."""
    held = st.session_state.get(CHOSEN)
    return split(held) if held else ()


def choose(ids: Iterable[str], zoo: Zoo, target: Task, k: int, similarity: str) -> None:
    """Let these zoo tasks vote from now on. The K nearest, in whatever order, are nobody's choice. A callback."""
    wanted = list(ids)
    nearest = [each.task.id for each in data.ranking(zoo, target.id, similarity)[:k]]
    if not wanted or set(wanted) == set(nearest):
        clear()
    else:
        st.session_state[CHOSEN] = checked(join(wanted), zoo, target)
        st.session_state[BESIDE] = (target.id, k)


def clear() -> None:
    """Back to the K nearest. A callback."""
    st.session_state[CHOSEN] = None


def swapped(near: Sequence[Neighbour], id: str) -> list[str]:
    """Ids of these neighbours without that one where it is among them, else with it."""
    ids = [each.task.id for each in near]
    return [one for one in ids if one != id] if id in ids else [*ids, id]


def banner(near: Sequence[Neighbour], k: int) -> None:
    """A line that says that neighbours were chosen by hand, with the way back; nothing where they were not."""
    if not hand_picked():
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        who = (
            f"**{len(near)} neighbours, chosen by hand,** vote"
            if len(near) > 1
            else "**One neighbour, chosen by hand,** votes"
        )
        instead = f"the {k} most similar" if k > 1 else "the most similar one"
        st.markdown(f":material/back_hand: {who} instead of {instead}.", width="content")
        st.button(back_label(k), icon=":material/undo:", on_click=clear, key="back to the nearest")


def back_label(k: int) -> str:
    """What the button says that lets the neighbours chosen by hand go."""
    return f"Back to the {k} nearest" if k > 1 else "Back to the nearest"


def checked(text: str, zoo: Zoo, target: Task) -> str:
    """The ids in a link, in the zoo's order. Raises UnknownNameError for one that may not vote, BadValueError."""
    wanted, may = split(text), [task.id for task in zoo.voters(target)]
    if unknown := [id for id in wanted if id not in may]:
        raise UnknownNameError("zoo task that may vote", unknown[0], may)
    if not 1 <= len(wanted) <= MOST_CHOSEN:
        raise BadValueError(f"Neighbours chosen by hand are 1 to {MOST_CHOSEN} zoo tasks, not {len(wanted)}.")
    return join(id for id in may if id in wanted)


def join(ids: Iterable[str]) -> str:
    """Ids as one text for a link."""
    return ",".join("".join(_COMMA.get(character, character) for character in id) for id in ids)


def split(text: str) -> tuple[str, ...]:
    """The ids that `join` made a text of, each once."""
    parts = (part.strip().replace("%2C", ",").replace("%25", "%") for part in text.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def _chosen(zoo: Zoo, target: Task, k: int) -> tuple[str, ...]:
    raw, now = st.query_params.get(CHOSEN), (target.id, k)
    opened = raw is not None and raw != st.session_state.get(f"{CHOSEN} in link")
    if opened:
        st.session_state[BESIDE] = now
    elif st.session_state.get(CHOSEN) and st.session_state.get(BESIDE) != now:
        same_task = st.session_state[BESIDE][0] == target.id
        clear()
        st.toast(
            f"{'K has' if same_task else 'The target has'} changed, so the most similar tasks vote again, not those "
            "chosen by hand.",
            icon=":material/undo:",
        )
    found = linked(CHOSEN, None, lambda text: checked(text, zoo, target), lambda: st.session_state[CHOSEN])
    return split(found) if found else ()
