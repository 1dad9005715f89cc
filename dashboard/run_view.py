"""One run, live: status, progress, curves and, at the end, what it came to. The store is the only truth it shows."""

from collections.abc import Callable

import streamlit as st

from core.runs import queue
from core.runs.record import CANCELLED, CANCELLING, FAILED, FINISHED, LOST, QUEUED, RUNNING, RunRecord
from core.runs.status import current
from dashboard import data, parts, theme
from dashboard.errors import as_sentence
from dashboard.figures import curves
from dashboard.progress import ACTIVE, Progress, progress
from dashboard.run_result import cost, result

EVERY = 1.0  # seconds
NO_WORKER = ":material/hourglass_disabled:"


def run_view(run_id: str) -> None:
    """The run of that id, refreshed while it is active. Raises UnknownNameError."""
    was_active = current(data.store().get(run_id)) in ACTIVE

    @st.fragment(run_every=EVERY if was_active else None)
    @as_sentence()
    def live() -> None:
        record = data.store().get(run_id)
        status = current(record)
        _show(record, status)
        if (status in ACTIVE) != was_active:
            st.rerun()  # once: the page then starts the timer, or draws the end without one

    live()


def _show(record: RunRecord, status: str) -> None:
    """Everything about one run as it is now."""
    config = record.config
    seen = progress(data.events_of(record), config.iterations)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            parts.status_badge(status)
            st.markdown(f"**{record.id}**")
        st.markdown(f"{config.label()}")
        task = data.task_of_run(record)
        st.caption(f"Task: {task.title}" if task else f"Task: {config.task}, which is not on this machine any more")
        _state(record, status, seen)
        _actions(record, status)
    if seen.finished:
        result(record, seen.finished)
    if seen.steps or seen.evaluations or seen.pruned:
        _curves(seen, record)
    if seen.finished:
        cost(seen.finished)


def _state(record: RunRecord, status: str, seen: Progress) -> None:
    """One sentence on where the run is, and while it runs, a bar."""
    if status == QUEUED:
        place = data.queue_position(record.id, data.store().list(status=QUEUED))
        ahead = "It is next." if place == 1 else f"{place - 1} before it."
        if data.worker_lives():
            st.info(f"Waiting in the queue. {ahead} It starts by itself.", icon=":material/schedule:")
        else:
            st.warning(f"Waiting in the queue. {ahead} But no process works on the queue: start one.", icon=NO_WORKER)
            _log(data.worker_log_tail())
    elif status in (RUNNING, CANCELLING):
        st.progress(seen.fraction, text=progress_text(seen, record.config.iterations, status))
    elif status == FAILED:
        st.error(record.error or "The run failed without a reason.", icon=":material/error:")
        _log(data.log_tail(record.id))
    elif status == LOST:
        st.warning(theme.STATUSES[LOST].sentence, icon=":material/link_off:")
        _log(data.log_tail(record.id))
    elif status == CANCELLED:
        done = f"Stopped after {seen.iteration} of {record.config.iterations} iterations. "
        st.info(done + theme.STATUSES[CANCELLED].sentence, icon=":material/cancel:")


def progress_text(seen: Progress, iterations: int, status: str) -> str:
    """What stands on the progress bar."""
    if status == CANCELLING:
        return theme.STATUSES[CANCELLING].sentence
    if seen.phase is None:
        return "Loading the network, which takes some seconds"
    parts = [theme.PHASES.get(seen.phase, seen.phase), f"iteration {seen.iteration} of {iterations}"]
    if seen.left is not None:
        parts.append(f"about {theme.duration(seen.left)} left")
    return " · ".join(parts)


def _actions(record: RunRecord, status: str) -> None:
    """What can be done with a run in this state."""
    with st.container(horizontal=True):
        if status == QUEUED and not data.worker_lives():
            _button("Start now", ":material/play_arrow:", "start", _start_worker, record.id, "primary")
        if status in (QUEUED, RUNNING):
            _button("Cancel", ":material/stop:", "cancel", queue.cancel, record.id)
        if status in (LOST, FAILED, CANCELLED):
            kind = "primary" if status != FAILED else "secondary"
            _button("Resume", ":material/resume:", "resume", queue.resume, record.id, kind)
        if status in (FAILED, FINISHED, CANCELLED, LOST):
            kind = "primary" if status == FAILED else "secondary"
            _button("Run again", ":material/replay:", "retry", _retry, record.id, kind)
        if status == FINISHED and st.button("Compare", icon=":material/compare_arrows:", key="compare"):
            st.switch_page("app_pages/compare.py", query_params={"runs": record.id})


def _button(
    label: str, icon: str, key: str, act: Callable[[str], object], run_id: str, kind: str = "secondary"
) -> None:
    if st.button(label, icon=icon, key=key, type=kind, on_click=as_sentence()(act), args=(run_id,)):  # type: ignore[arg-type]
        st.rerun()  # the whole page, as the timer may have to start


def _start_worker(run_id: str) -> None:
    queue.ensure_worker(data.store())


def _retry(run_id: str) -> None:
    st.session_state["run"] = queue.retry(run_id, data.store())


def _log(tail: str) -> None:
    if tail:
        with st.expander("Last lines of its log", icon=":material/article:"):
            st.code(tail, language=None, wrap_lines=True)


def _curves(seen: Progress, record: RunRecord) -> None:
    """Accuracy, loss and sparsity against the iteration; Vega, which takes growing data without flicker."""
    iterations = record.config.iterations
    colour = theme.METHOD_STYLES[record.config.method].colour
    dense = seen.finished.dense.get("params") if seen.finished else None
    latest = f"{theme.percent(seen.evaluations[-1].accuracy, 1)}" if seen.evaluations else "not measured yet"
    removed = theme.percent(seen.pruned[-1].channel_sparsity) if seen.pruned else "0 %"
    loss = theme.decimal(seen.steps[-1].loss) if seen.steps else "not known yet"
    charts = (
        (
            "Accuracy on validation",
            curves.accuracy_curve(seen, iterations, colour),
            f"Validation accuracy after {seen.iteration} iterations: {latest}",
        ),
        (
            "Loss",
            curves.loss_curve(seen, iterations, colour),
            f"Training loss after {seen.iteration} iterations: {loss}",
        ),
        (
            "Sparsity",
            curves.sparsity_curve(seen, iterations, dense, colour),
            f"Share of channels removed after {seen.iteration} iterations: {removed}",
        ),
    )
    with st.grid(3, min_column_width=280, gap="medium"):
        for title, chart, alt in charts:
            with st.container(border=True):
                st.markdown(f"**{title}**")
                st.altair_chart(chart, key=f"curve of {title}", alt=alt)
