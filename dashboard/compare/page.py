"""The Compare page from top to bottom: the table, what is chosen from it, and one view of the comparison at a time."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.channels.budget import KIND
from core.paths import home
from core.pruning.config import RunConfig
from core.runs.latency import Latency
from core.runs.record import FINISHED, RunRecord
from core.runs.status import current
from dashboard import parts, run_choices, theme
from dashboard.compare import choice, files, reads, table, views
from dashboard.compare.compared import MOST_LINES, Compared
from dashboard.compare.entries import kinds_of, settings_of
from dashboard.compare.frame import ALWAYS, frame_of, labels_of, others_like
from dashboard.compare.names import names_of
from dashboard.progress import ACTIVE
from dashboard.run_states import read_only
from dashboard.watch import watch
from dashboard.ways import NEW, RUN, way

EVERY = 2.0  # seconds
MOST_IN_KEY = 12
OPEN = "compare: table open"
Now: TypeAlias = tuple[Sequence[RunRecord], Mapping[str, str]]  # runs and their statuses


def draw() -> None:
    """Everything below the heading."""
    read_only()
    runs = reads.all_runs()
    parts.left_out(runs.broken)
    if not runs.records:
        _nothing_yet()
        return
    statuses = [current(record) for record in runs.records]
    frame = _frame(runs, tuple(statuses))
    title = f"All runs ({len(runs.records):,})"
    with st.expander(title, icon=":material/table_rows:", expanded=_starts_open()):
        shown, every = table.table_of_runs(frame)
        rows = st.container(gap="small")
    left, right = st.columns([5, 2], gap="medium")
    with left:
        chosen = _all_of(shown) if every else choice.pick_runs(_labels(runs, tuple(statuses)))
    with rows:
        table.draw_rows(shown, chosen, selectable=not every)
    by_id = {record.id: (record, status) for record, status in zip(runs.records, statuses, strict=True)}
    picked = [by_id[id][0] for id in chosen]
    unreadable = reads.damaged(picked)
    parts.left_out(unreadable)
    picked = [record for record in picked if record.id not in unreadable]
    if not picked:
        _nothing_chosen(runs.records)
        return
    if len(picked) == 1:
        _alone(picked[0], runs.records)
    _compare(picked, {record.id: by_id[record.id][1] for record in picked}, runs.latencies, right)


def _all_of(shown: pd.DataFrame) -> list[str]:
    st.markdown(f"All **{len(shown):,}** runs that the filters of the table let through.")
    st.button("Choose by hand", icon=":material/checklist:", on_click=_by_hand)
    ids: list[str] = shown[ALWAYS].tolist()
    return ids


def _by_hand() -> None:
    st.session_state["every"] = False


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={reads.AllRuns: reads.AllRuns.identity})
def _frame(runs: reads.AllRuns, statuses: tuple[str, ...]) -> pd.DataFrame:
    return frame_of(runs.records, statuses, runs.latencies)


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={reads.AllRuns: reads.AllRuns.identity})
def _labels(runs: reads.AllRuns, statuses: tuple[str, ...]) -> Mapping[str, str]:
    return labels_of(_frame(runs, statuses))


def _nothing_chosen(records: Sequence[RunRecord]) -> None:
    words = "Choose runs in the table, or by name in the box above: from two on they are compared."
    if len(records) == 1:
        words = "There is one run so far. Another one, of a different method or seed, makes a comparison."
    st.info(words, icon=":material/compare_arrows:")
    if len(records) == 1:
        _start_others(records[0])
    with st.expander("Bring runs from another machine", icon=":material/upload_file:"):
        files.bring()


def _nothing_yet() -> None:
    st.info("There is no run yet. Start one, or bring runs from another machine.", icon=":material/content_cut:")
    way(RUN, "Start a run", ":material/content_cut:", {"run": NEW}, primary=True)
    files.bring()


def _starts_open() -> bool:
    """The table is open unless the link already says which runs to compare; a visit keeps what it began with."""
    visit = st.session_state.get("visits to pages", 0)
    held = st.session_state.get(OPEN)
    if held is None or held[0] != visit:
        named = st.query_params.get("runs", "")
        held = (visit, named.count(",") < 1 and "every" not in st.query_params)
        st.session_state[OPEN] = held
    return bool(held[1])


def _alone(one: RunRecord, records: Sequence[RunRecord]) -> None:
    """One run: say so, and offer those it is most often held against."""
    offers = {
        "Add the other methods on this task": others_like(one, records, "method"),
        "Add its other seeds": others_like(one, records, "seed"),
    }
    st.caption("One run so far: choose another to compare it with.")
    with st.container(horizontal=True, gap="small"):
        for label, ids in offers.items():
            if ids:
                st.button(f"{label} ({len(ids)})", icon=":material/add:", on_click=_add, args=(ids,))
        if not any(offers.values()):
            _start_others(one)


def _start_others(one: RunRecord) -> None:
    """The way to the form, filled in with the other methods on that run's task and budget."""
    asked = others_of(one.config) | {"run": NEW}
    way(RUN, "Prune its task with other methods", ":material/content_cut:", asked, primary=True)


def others_of(config: RunConfig) -> dict[str, str]:
    """What a link to the form says that asks for every other method, at the same task, size budget, length and seed."""
    first, *rest = [name for name in run_choices.OFFERED if name != config.method]
    same = {name: str(getattr(config, name)) for name in ("task", "keep", *KIND, "iterations", "seed", "sampling")}
    return {**same, "method": first, "also": ",".join(rest)}


def _add(ids: Sequence[str]) -> None:
    st.session_state["runs"] = [*st.session_state["runs"], *ids]


def _compare(
    records: Sequence[RunRecord], statuses: Mapping[str, str], timed: Mapping[str, Latency], box: DeltaGenerator
) -> None:
    """The comparison, refreshed while a run in it is going on; the baseline is chosen in `box`."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        tab = choice.pick_tab()
        by = choice.pick_by("run", ["run", "variant"]) if len(records) <= MOST_LINES else "variant"
        axis = choice.pick_axis() if by == "run" and tab == "overview" else "iterations"
    with box:
        baseline = _baseline(records, statuses, timed, by)

    def look() -> Now:
        now = [reads.again(record) if statuses[record.id] in ACTIVE else record for record in records]
        return now, {record.id: current(record) for record in now}

    def going_on(now: Now) -> int:
        return sum(now[1][id] in ACTIVE for id in now[1] if statuses[id] in ACTIVE)

    watch(
        (records, statuses),
        look,
        lambda now: EVERY if tab == "overview" and going_on(now) else None,
        lambda now: _view(_compared(*now, timed, baseline), tab, by, axis),
        going_on,  # once for each run that ends: the table then shows its result
    )


def _baseline(
    records: Sequence[RunRecord], statuses: Mapping[str, str], timed: Mapping[str, Latency], by: str
) -> str | None:
    """The one run that all others are held against, in every view; where means are drawn, its setting is named."""
    names = names_of(records)
    done = [id for id in names if statuses[id] == FINISHED]
    first = (done or list(names))[0]
    kinds = kinds_of(_compared(records, statuses, timed, None)) if by == "variant" else []
    if not kinds:
        return choice.pick_baseline(names, {}, first)
    held = choice.held_baseline(names, first)
    settings, stands_for = settings_of(kinds, held)
    if held in names and held not in stands_for:  # it has no result yet
        settings[held] = names[held]
    return choice.pick_baseline(settings, stands_for, first)


def _compared(
    records: Sequence[RunRecord], statuses: Mapping[str, str], timed: Mapping[str, Latency], baseline: str | None
) -> Compared:
    """What is compared; where all of it has ended, it is worked out once."""
    if any(status in ACTIVE for status in statuses.values()):
        return Compared(records, statuses, reads.events_of(records), baseline, timed)
    when = {id: found.measured for id, found in timed.items()}
    marks = tuple((one.id, one.attempt, one.status, one.tags, one.notes, when.get(one.id)) for one in records)
    return _ended(str(home()), marks, baseline, records, statuses, timed)


@st.cache_resource(max_entries=12, show_spinner="Reading the curves")
def _ended(
    folder: str,
    ids: tuple[object, ...],
    baseline: str | None,
    _records: Sequence[RunRecord],
    _statuses: Mapping[str, str],
    _timed: Mapping[str, Latency],
) -> Compared:
    return Compared(_records, _statuses, reads.events_of(_records), baseline, _timed)


def _view(compared: Compared, tab: str, by: str, axis: str) -> None:
    _states(compared)
    _key(compared, tab, by)
    if tab == "overview":
        views.overview(compared, by, axis)
    elif tab == "tradeoffs":
        views.tradeoff(compared, by)
    elif tab == "settings":
        views.settings(compared)
    elif tab == "layers":
        views.layer_view(compared)
    elif tab == "spread":
        views.seeds(compared)
    elif tab == "checklist":
        views.checklist(compared)
    else:
        files.save(compared, by)


def _key(compared: Compared, tab: str, by: str) -> None:
    """Which mark is which, above the views whose charts do not say so themselves."""
    if tab not in ("overview", "tradeoffs", "layers"):
        return
    names, styles = compared.names, compared.styles
    if by == "variant" and tab != "layers":
        kinds = kinds_of(compared)
        names, styles = {one.id: one.name for one in kinds}, {one.id: one.style for one in kinds}
    if len(names) <= MOST_IN_KEY:
        st.html(views.key_html(names, styles))
    else:
        with st.expander(f"Key to {len(names)} marks", icon=":material/legend_toggle:"):
            st.html(views.key_html(names, styles))


def _states(compared: Compared) -> None:
    """What to know before reading the numbers: one run only, other tasks, runs without a result."""
    if len(compared.tasks) > 1:
        st.warning(
            f"These runs are on {len(compared.tasks)} tasks. Accuracies of different tasks are not comparable: "
            "differences are taken task by task.",
            icon=":material/balance:",
        )
    if compared.notices:
        st.warning("  \n".join(map(parts.literal, compared.notices)), icon=":material/balance:")
    if compared.active:
        st.caption(f"{_count(len(compared.active))} still going on: curves follow.")
    if compared.without_result:
        words = {theme.STATUSES[compared.statuses[id]].title.lower() for id in compared.without_result}
        told = ", ".join(sorted(words))
        st.caption(f"{_count(len(compared.without_result))} without a result ({told}): shown, but counted nowhere.")


def _count(number: int) -> str:
    return f"{number} run is" if number == 1 else f"{number} runs are"
