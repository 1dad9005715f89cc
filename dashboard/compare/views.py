"""The views of a comparison, each drawn alone: overview, trade-offs, settings, layers, seeds, checklist."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from core.channels.selection import Selection
from core.errors import MetaVoteError
from core.reports import checklist as checks
from core.reports.masks import GroupMasks, compare_masks
from dashboard import columns, data, theme
from dashboard.compare import choice, classes, entries, looks, reads, tables
from dashboard.compare.compared import Compared
from dashboard.figures import layers, overlays, spreads, tradeoffs
from dashboard.figures.marks import mark_url
from dashboard.run_away import measuring
from dashboard.theme import Style

PLAIN = {"displayModeBar": False}
CHECK_LOOKS = {
    checks.THERE: ":green-badge[:material/check: there]",
    checks.PARTLY: ":orange-badge[:material/contrast: partly]",
    checks.MISSING: ":red-badge[:material/close: missing]",
    checks.NOT_KNOWN: ":gray-badge[:material/question_mark: not known]",
    checks.NOT_NEEDED: ":gray-badge[:material/remove: not needed]",
}
_KEY = (
    "display:inline-flex;align-items:center;gap:0.4rem;margin:0 1.1rem 0.25rem 0;font-size:0.9rem;line-height:1.3;"
    "max-width:100%"
)


def key_html(names: Mapping[str, str], styles: Mapping[str, Style]) -> str:
    """The key to all charts: each mark with its name, wrapping as the page does."""
    items = (
        f'<span style="{_KEY}"><img alt="" src="{mark_url(styles[id])}"/><span>{escape(name)}</span></span>'
        for id, name in names.items()
    )
    return f"<div>{''.join(items)}</div>"


def overview(compared: Compared, by: str, axis: str) -> None:
    """Curves over each other, and the results beside the baseline."""
    drawn = entries.lines(compared, by, axis)
    if drawn:
        st.altair_chart(overlays.overlay(drawn, axis), key="compare: curves", alt=overlays.overlay_alt(drawn, axis))
    else:
        st.caption("No curve yet: the first evaluation of a run draws it.")
    if axis == "macs" and len(drawn) < len(compared.records):
        st.caption("Runs that have not finished are not drawn against MACs: their total is not known yet.")
    if by == "variant":
        band = " The band is one standard deviation." if len(drawn) <= overlays.MOST_BANDS else ""
        st.caption(f"Each curve is the mean of runs that differ in task and seed alone.{band}")
        _means(compared)
    else:
        _results(compared)


def _means(compared: Compared) -> None:
    """One row a kind of run, best mean first within a budget."""
    columns.table(
        tables.with_marks(summary_table(compared), {kind.name: kind.style for kind in entries.kinds_of(compared)}),
        looks.SUMMARIES,
        {tables.MARK: st.column_config.ImageColumn(width=60), "Method": st.column_config.TextColumn(width=290)},
        height=_height(len(compared.comparison.summaries)),
        placeholder="",
        alt=f"Means of {len(compared.comparison.summaries)} kinds of runs",
    )


def _results(compared: Compared) -> None:
    columns.table(
        tables.results(compared),
        looks.RESULTS,
        {
            tables.MARK: st.column_config.ImageColumn(width=60),
            tables.NAME: st.column_config.TextColumn(width=290),
            tables.ASKED: st.column_config.TextColumn(width=200, help="The size budget"),
        },
        height=_height(len(compared.records)),
        placeholder="",
        alt=f"Results of {len(compared.records)} runs"
        + (", with differences to the baseline" if compared.base else ""),
    )
    classes.by_class(compared)


def _height(rows: int) -> Any:
    """As tall as its rows, up to a dozen of them."""
    return "content" if rows <= 12 else 458


def tradeoff(compared: Compared, by: str) -> None:
    """Accuracy against parameters, MACs and iterations, each with its front."""
    front = entries.comparable(compared, by)
    with st.grid(2, min_column_width=290, gap="medium"):
        for cost, title in entries.COSTS.items():
            found = entries.spots(compared, by, cost)
            with st.container(border=True):
                st.markdown(f"**{title}**")
                if found:
                    alt = tradeoffs.tradeoff_alt(found, title, front)
                    st.plotly_chart(
                        tradeoffs.tradeoff(found, title, front), key=f"compare: {cost}", config=PLAIN, alt=alt
                    )
                    st.caption(alt.split(". ", 1)[-1] if front and len(found) > 1 else "Up and to the left is better.")
                elif cost == "latency" and compared.finished:
                    st.caption(_without_latency(compared))
                else:
                    st.caption("No run has finished yet.")
                if cost == "latency" and (missing := _to_measure(compared)):
                    measuring(missing, f"Measure {len(missing)} runs" if len(missing) > 1 else "Measure it")
    if front:
        st.caption(
            "The dotted line is the Pareto front: nothing compared is both cheaper and more accurate than a mark on it."
        )
    else:
        st.caption("No Pareto front: these runs differ in tasks or inputs, so their accuracies are not comparable.")


def _without_latency(compared: Compared) -> str:
    if len(entries.measured_on(compared)) > 1:
        told = " and ".join(sorted(entries.measured_on(compared)))
        return f"Measured on {told}, which cannot be compared: measure all of them here."
    return "No latency has been measured yet: a process measures it, run by run, some ten seconds each."


def _to_measure(compared: Compared) -> list[str]:
    """The runs whose latency can be measured here and has to be, before all can be compared."""
    return [id for id in entries.not_measured(compared) if data.store().model_path(id).exists()]


def settings(compared: Compared) -> None:
    """Only what differs, and what is the same in all."""
    table = tables.differences(compared)
    if len(table.columns) == 2:
        st.caption("These runs have the same settings throughout.")
    else:
        st.dataframe(
            table,
            hide_index=True,
            height=_height(len(table)),
            column_config={
                tables.MARK: st.column_config.ImageColumn(width=60),
                tables.NAME: st.column_config.TextColumn(width="medium"),
            },
            alt=f"The {len(table.columns) - 2} settings in which the {len(table)} runs differ",
        )
        st.caption("A dash: the setting does not matter to that method.")
    same = tables.in_common(compared)
    st.markdown("**The same in all:** " + " · ".join(f"{name} {value}" for name, value in same.items()) + ".")


def layer_view(compared: Compared) -> None:
    """How much each run removes group by group, and two masks over each other."""
    st.subheader("Channels removed, by layer", anchor=False)
    pruned = compared.pruned
    unpruned = [id for id in compared.ids if id not in pruned]
    if pruned:
        profiles = list(layers.alike(pruned).values())
        figure = layers.kept_by_layer(pruned, compared.names, compared.styles)
        st.plotly_chart(figure, key="compare: layers", config=PLAIN, alt=_profiles_in_words(profiles, compared))
        st.caption(_profiles_in_words(profiles, compared))
    else:
        st.caption("None of these runs has removed channels.")
    if pruned and unpruned:
        st.caption(f"Nothing removed: {', '.join(compared.names[id] for id in unpruned[:6])}.")
    st.subheader("Masks", anchor=False)
    _masks(compared)


def _profiles_in_words(profiles: Sequence[Sequence[str]], compared: Compared) -> str:
    if len(profiles) == 1:
        many = len(profiles[0])
        whose = (
            f"{'Both' if many == 2 else f'All {many}'} runs remove"
            if many > 1
            else f"{compared.names[profiles[0][0]]} removes"
        )
        return f"{whose} equally many channels in every group{': one line stands for them' if many > 1 else ''}."
    return f"{len(profiles)} different ways to spread the removal over the network."


def _masks(compared: Compared) -> None:
    """The baseline's mask and another's, group by group."""
    found = {record.id: reads.selection_of(record) for record in compared.records}
    selections = {id: selection for id, selection in found.items() if selection is not None}
    gone = [row.run for row in compared.finished if row.run not in selections]
    if len(selections) < 2:
        st.caption(
            "Which channels were kept is read from slim models, and fewer than two of these runs have theirs in the "
            "store" + (": they were imported without." if gone else ".")
        )
        return
    first = compared.baseline if compared.baseline in selections else next(iter(selections))
    assert first is not None
    other = choice.pick_with({id: compared.names[id] for id in selections if id != first})
    try:
        masks = compare_masks(selections[first], selections[other])
    except MetaVoteError as error:
        st.info(str(error), icon=":material/info:")
        return
    st.markdown(_masks_in_words(masks, compared.names[first], compared.names[other]))
    left, right = st.columns(2, gap="medium")
    with left:
        alt = f"Channels kept by both and by one alone, in {len(masks)} groups. {_plain(masks)}"
        st.plotly_chart(layers.masks_by_layer(masks), key="compare: masks", config=PLAIN, alt=alt)
    with right:
        st.plotly_chart(layers.overlap_of_two(masks), key="compare: overlap", config=PLAIN, alt=_plain(masks))
    st.caption(
        "Overlap is the share of channels both keep among those either keeps. Two random masks that keep k of a group "
        "overlap by k / (2 - k): the dashed line."
    )
    _overlap_table(selections, first, compared)


def _plain(masks: Sequence[GroupMasks]) -> str:
    mean, chance = (
        sum(values) / len(masks) for values in ([one.overlap for one in masks], [one.chance for one in masks])
    )
    return f"Mean overlap {theme.decimal(mean)}, chance {theme.decimal(chance)}."


def _masks_in_words(masks: Sequence[GroupMasks], first: str, other: str) -> str:
    both, a, b = (sum(values) for values in zip(*((one.both, one.only_a, one.only_b) for one in masks), strict=True))
    return (
        f"**{first}** and **{other}** both keep **{theme.count(both)}** channels; {theme.count(a)} are kept by the "
        f"first alone, {theme.count(b)} by the second alone. {_plain(masks)}"
    )


def _overlap_table(selections: Mapping[str, Selection], first: str, compared: Compared) -> None:
    """The mean overlap of every other run's mask with the first one's."""
    rows = []
    for id, selection in selections.items():
        if id == first or selection.sizes != selections[first].sizes:
            continue
        masks = compare_masks(selections[first], selection)
        rows.append(
            (
                mark_url(compared.styles[id]),
                compared.names[id],
                sum(m.overlap for m in masks) / len(masks),
                sum(m.chance for m in masks) / len(masks),
            )
        )
    if len(rows) > 1:
        table = pd.DataFrame(rows, columns=[tables.MARK, tables.NAME, "Mean overlap", "Chance"])
        columns.table(
            table,
            dict.fromkeys(("Mean overlap", "Chance"), columns.DECIMAL),
            {tables.MARK: st.column_config.ImageColumn(width=60)},
            alt=f"Mean overlap of each run's mask with that of {compared.names[first]}",
        )


def seeds(compared: Compared) -> None:
    """Mean and spread of runs that differ in task and seed alone, with paired differences to the baseline."""
    if not compared.finished:
        st.caption("No run has finished yet: mean and spread are of finished runs.")
        return
    found = entries.bundles(compared)
    alt = spreads.spread_alt(found)
    st.plotly_chart(spreads.spread(found), key="compare: spread", config=PLAIN, alt=alt)
    _means(compared)
    base = next(
        (one for one in entries.kinds_of(compared) if compared.base and entries.is_of(compared.base, one)), None
    )
    against = f" Differences are relative to {base.name}, paired by task and seed." if base else ""
    st.caption(
        "The mark is the mean, the bar one sample standard deviation, a dot a run. 'Over seeds' is the spread within a "
        f"task, the standard deviation over everything.{against}"
    )


def summary_table(compared: Compared) -> pd.DataFrame:
    """The summaries as people read them, best mean first."""
    found = sorted(compared.comparison.summaries, key=lambda one: -one.mean)
    return tables.summaries(found, entries.names_of_kinds(compared, list(map(entries.key_of, found))))


def checked(compared: Compared) -> list[checks.Check]:
    """The checklist for these runs."""
    return checks.checklist(compared.records, reads.classes_of(compared.records), reads.equal_to_zoo(compared.records))


def checklist(compared: Compared) -> None:
    """What a fair comparison has, and whether these runs have it."""
    found = checked(compared)
    counted = [check for check in found if check.state != checks.NOT_NEEDED]
    there = sum(check.state == checks.THERE for check in counted)
    st.markdown(f"**{there} of {len(counted)}** that a fair comparison has are there.")
    st.table(
        pd.DataFrame(
            {
                "": [CHECK_LOOKS[one.state] for one in found],
                "Asked for": [one.asked for one in found],
                "Seen": [one.seen for one in found],
            }
        ),
        hide_index=True,
        border="horizontal",
        alt=f"Checklist of a fair comparison: {there} of {len(counted)} are there",
    )
    st.caption(
        "The list follows what ShrinkBench asks of reports on pruning, and this project's own controls of a vote."
    )
