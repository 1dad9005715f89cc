"""What if others voted: without one neighbour, with one swapped, or with random ones; which channels would change."""

from collections.abc import Sequence

import streamlit as st

from core.voting import at_random
from core.zoo.zoo import Neighbour
from dashboard import data, links, theme, voters
from dashboard.errors import as_sentence
from dashboard.figures import groups
from dashboard.pick import pick_one
from dashboard.votes import answers
from dashboard.votes.answers import Known
from dashboard.votes.trial import EVERY
from dashboard.votes.view import View
from dashboard.watch import watch

KINDS = {"drop": "Without one", "swap": "One swapped", "random": "Random neighbours (control)"}
PLAIN = {"displayModeBar": False}
MOST_NAMED, MOST_DRAWS = 40, 999


def draw(view: View, k: int) -> None:
    """The question, what it would change, and the way to let it be so."""
    ranked = data.ranking(view.zoo, view.target.id, view.similarity)
    outside = [each for each in ranked if each not in view.near]
    kind = pick_one("what", "What if these voted instead?", "question", KINDS, in_a_row=True)
    others, words = _asked(kind, view, ranked, outside)
    if not others:
        st.info("One neighbour votes alone: raise K to see what happens without one.", icon=":material/info:")
        return
    other = view.with_voters(others)
    takeaway = f"{words}, {_changes(view, other)}"
    st.markdown(takeaway)
    _accuracies(view, other)
    chart = groups.changes_chart(view.selection, other.selection, view.group)
    st.plotly_chart(
        chart, config=PLAIN, alt=f"Selected channels that would change, by group. {takeaway}".replace("**", "")
    )
    _in_group(view, other)
    st.button(
        "Let these vote",
        icon=":material/how_to_reg:",
        on_click=_let_vote,
        args=([each.task.id for each in others], view, k),
        help="They become the neighbours chosen by hand, on every page, until you go back to the nearest.",
    )


def _asked(
    kind: str, view: View, ranked: Sequence[Neighbour], outside: Sequence[Neighbour]
) -> tuple[list[Neighbour], str]:
    """(who would vote, the question in words)."""
    if kind == "random":
        seed = links.linked(
            "draw",
            0,
            links.whole("A draw", 0, MOST_DRAWS),
            lambda: st.number_input(
                "Draw", 0, MOST_DRAWS, step=1, key="draw", width=140, help="Another number draws others."
            ),
        )
        drawn = sorted(at_random(ranked, len(view.near), seed), key=ranked.index)
        return drawn, f"With {len(drawn)} neighbours drawn by chance ({', '.join(each.task.id for each in drawn[:8])})"
    first, second = st.columns(2)
    with first:
        out = _pick("out", "Takes no part", view.near, view.near[-1])
    rest = [each for each in view.near if each.task.id != out]
    if kind == "drop" or not outside:
        return rest, f"Without {out}"
    with second:
        into = _pick("in", "Votes instead", outside, outside[0])
    chosen = [*rest, next(each for each in outside if each.task.id == into)]
    return sorted(chosen, key=ranked.index), f"With {into} instead of {out}"


def _pick(key: str, label: str, options: Sequence[Neighbour], default: Neighbour) -> str:
    titles = {each.task.id: f"{each.task.id} · {each.task.title}" for each in options}
    return pick_one(key, label, "task to choose here", titles, default.task.id)


def _changes(view: View, other: View) -> str:
    moved = sum(len(gone) for gone, _ in groups.changed(view.selection, other.selection).values())
    kept = sum(map(len, view.selection.kept.values()))
    chance = 1 - view.selection.keep_ratio()
    return (
        f"**{moved:,}** of the {kept:,} selected channels would be others (**{theme.percent(moved / kept)}**; a random "
        f"selection would change {theme.percent(chance)})."
    )


def _accuracies(view: View, other: View) -> None:
    """Accuracy before training of both, as soon as it is known."""
    configs = [other.config(), view.config()]

    def interval(known: Known) -> float | None:
        return EVERY if len(known.answers) < len(configs) and known.state not in ("died", "failed") else None

    def show(known: Known) -> None:
        then, now = (known.accuracy(config) for config in configs)
        if error := known.error(configs[0]):
            st.caption(error)
        else:
            chance = theme.percent(1 / len(view.target.classes))
            st.markdown(
                f"Accuracy before training: **{_percent(now)}** as it is, **{_percent(then)}** then; guessing {chance}."
            )

    def look() -> Known:
        return answers.look(configs, "what if")

    watch(look(), look, interval, show)


def _percent(accuracy: float | None) -> str:
    return "…" if accuracy is None else theme.percent(accuracy)


def _in_group(view: View, other: View) -> None:
    gone, new = groups.changed(view.selection, other.selection)[view.group]
    if not gone:
        st.markdown(f"In {view.group}, the same channels are selected.")
        return
    st.markdown(
        f"In {view.group}, **{len(gone)}** of {len(view.selection.kept[view.group])} change:  \n"
        f":material/remove_circle: no longer selected: {_numbers(gone)}  \n"
        f":material/add_circle: selected instead: {_numbers(new)}"
    )


def _numbers(channels: Sequence[int]) -> str:
    more = len(channels) - MOST_NAMED
    return ", ".join(map(str, channels[:MOST_NAMED])) + (f" and {more} more" if more > 0 else "")


@as_sentence()
def _let_vote(ids: list[str], view: View, k: int) -> None:
    voters.choose(ids, view.zoo, view.target, k, view.similarity)
