"""Taking a finished run away: its files, made by a process when asked for, and its latency beside the unpruned network.

Nothing here loads torch: a process of its own makes the files and measures, and leaves word in the run's folder.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from core.reports import away
from core.reports.away import AT_WORK, STOPPED, Job, Made
from core.reports.records import latencies_of
from core.runs.latency import NOT_STEADY, Latency, Timing
from core.runs.record import RunRecord
from dashboard import data, theme
from dashboard.errors import as_sentence
from dashboard.watch import watch

EVERY = 1.0  # seconds
TITLES = {"safetensors": "safetensors", "torch": "torch.export", "onnx": "ONNX"}


def take_away(record: RunRecord) -> None:
    """Both, side by side, kept up to date while a process is at work on one of them."""
    store = data.store()
    st.subheader("Take it away", anchor=False)

    def look() -> tuple[Job, Job]:
        return away.job(away.files_folder(store, record.id)), away.job(away.latency_folder(store))

    def draw(seen: tuple[Job, Job]) -> None:
        left, right = st.columns(2, gap="medium")
        with left, st.container(border=True, height="stretch"):
            _files(record, seen[0])
        with right, st.container(border=True, height="stretch"):
            _latency(record, seen[1])

    watch(look(), look, lambda seen: EVERY if AT_WORK in (seen[0].state, seen[1].state) else None, draw)


def _files(record: RunRecord, job: Job) -> None:
    """What there is to download, or the button that has it made."""
    store = data.store()
    made = away.made(store, record.id)
    st.markdown("**The slim model as a file**")
    if not store.model_path(record.id).exists():
        st.caption("Its model is not in the store, as it was imported without: its files cannot be made here.")
        return
    if job.state == AT_WORK:
        doing = TITLES.get(job.progress.doing, "loading the engine")
        st.progress(job.progress.share, text=f"Writing and checking: {doing}")
        return
    if job.state == STOPPED:
        _stopped(job)
    if made is None:
        st.caption(
            "safetensors, torch.export and ONNX, each checked against PyTorch on this machine, and a model card that "
            "says what it is and how to load it."
        )
        _ask("Prepare files", ":material/package_2:", "prepare", lambda: away.ask_for_files(store, record.id))
        return
    _downloads(record, made)


def _downloads(record: RunRecord, made: Made) -> None:
    with st.container(horizontal=True, gap="small"):
        for to, file in made.files.items():
            _download(TITLES[to], ":material/download:", file.name, file.read_bytes, f"download {to}")
        card = made.card
        _download("Model card", ":material/description:", card.name, card.read_bytes, "download card")
    for to, why in made.refused.items():
        st.warning(f"{TITLES[to]}: {why}", icon=":material/warning:")
    told = "; ".join(f"{TITLES[to]}: {check}" for to, check in made.checks.items())
    st.caption(f"Checked when written. {told[:1].upper()}{told[1:]}.")


def _download(label: str, icon: str, name: str, read: Callable[[], bytes], key: str) -> None:
    st.download_button(label, read, name, "application/octet-stream", icon=icon, on_click="ignore", key=key)


def _latency(record: RunRecord, job: Job) -> None:
    """Dense beside slim at each batch size, or the button that has it measured."""
    store = data.store()
    found = latencies_of(store, [record.id]).get(record.id)
    st.markdown("**Latency on this machine**" if found is None else f"**Latency on {found.where}**")
    if found is None:
        st.caption("How long slim and unpruned network take for 1, 8 and 32 images: both in turns, on one thread.")
    else:
        st.table(latency_rows(found), border="horizontal", hide_index=True, alt=latency_in_words(found))
        st.caption(latency_in_words(found) + ("" if found.steady else f" {NOT_STEADY}"))
    if not store.model_path(record.id).exists():
        st.caption("Its model is not in the store, so that it cannot be measured here.")
        return
    _measuring([record.id], "Measure latency" if found is None else "Measure again", job)


def latency_rows(found: Latency) -> dict[str, list[str]]:
    """Column -> cells, a row a batch size."""
    return {
        "Images": [theme.count(one.batch) for one in found.batches],
        "Unpruned": [_spread(one.dense) for one in found.batches],
        "Slim": [_spread(one.slim) for one in found.batches],
        "Measured speed-up": [theme.times(one.speed_up) for one in found.batches],
    }


def _spread(timing: Timing) -> str:
    low, high = (theme.milliseconds(value).removesuffix(" ms") for value in (timing.low, timing.high))
    return f"{theme.milliseconds(timing.median)} ({low} to {high})"


def latency_in_words(found: Latency) -> str:
    """What was measured, and what to hold it against."""
    best = max(found.batches, key=lambda one: one.speed_up)
    return (
        f"Measured speed-up: up to {theme.times(best.speed_up)}. "
        f"MACs reduction: {theme.times(found.macs_ratio)}. "
        f"Median and quartiles of a pass, {found.image}x{found.image} pixels, float32, {found.layout}."
    )


def measuring(run_ids: Sequence[str], label: str) -> None:
    """The button that has these runs' latency measured, or how far that is; then the page is drawn anew."""
    store = data.store()

    def look() -> Job:
        return away.job(away.latency_folder(store))

    watch(
        look(),
        look,
        lambda job: EVERY if job.state == AT_WORK else None,
        lambda job: _measuring(run_ids, label, job),
    )


def _measuring(run_ids: Sequence[str], label: str, job: Job) -> None:
    store = data.store()
    if job.state == AT_WORK:
        doing = job.progress.doing or "loading the engine"
        st.progress(job.progress.share, text=f"Measuring: {doing}")
        return
    if job.state == STOPPED and any(id in job.progress.doing for id in run_ids):
        _stopped(job)
    busy = away.in_training(store)
    if busy is not None:
        st.caption(f"Run {busy} trains, which would slow down what is measured: wait until it has ended.")
    _ask(
        label,
        ":material/timer:",
        f"measure {label}",
        lambda: away.ask_for_latency(store, run_ids),
        possible=busy is None and data.writable(),
    )


def _stopped(job: Job) -> None:
    st.error(job.progress.error or "The process that worked on it is gone: try again.", icon=":material/error:")
    if job.log:
        with st.expander("Last lines of its log", icon=":material/article:"):
            st.code(job.log, language=None, wrap_lines=True)


def _ask(label: str, icon: str, key: str, ask: Callable[[], None], possible: bool = True) -> None:
    """A button that starts a process; the page then starts its timer."""
    if st.button(label, icon=icon, key=key, disabled=not possible):
        with as_sentence():
            ask()
            st.rerun()
