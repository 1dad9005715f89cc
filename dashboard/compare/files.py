"""Taking a comparison away, and bringing whole runs in: CSV, JSON, HTML report, and runs as one file."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import MetaVoteError
from core.numbers import counted
from core.reports.compare import Row, Summary
from core.reports.tables import to_csv
from core.runs.archive import pack, unpack
from core.runs.record import ENDED, RunRecord
from dashboard import data
from dashboard.compare import views
from dashboard.compare.compared import Compared

CAME = "compare: runs that came"


def save(compared: Compared, by: str) -> None:
    """Buttons that make a file when they are pressed, and the way in for runs of others."""
    st.subheader("Take it away", anchor=False)
    with st.container(horizontal=True, gap="small"):
        _button(
            "Report (HTML)",
            ":material/description:",
            "comparison.html",
            "text/html",
            lambda: written_report(compared, by),
            "primary",
        )
        _button("Runs (CSV)", ":material/table:", "runs.csv", "text/csv", lambda: to_csv(compared.rows, Row))
        _button(
            "Summary (CSV)",
            ":material/functions:",
            "summary.csv",
            "text/csv",
            lambda: to_csv(compared.comparison.summaries, Summary),
        )
        _button(
            "Everything (JSON)",
            ":material/data_object:",
            "comparison.json",
            "application/json",
            lambda: document(compared),
        )
    st.caption("The report is one file that opens in any browser and asks the network for nothing.")
    st.subheader("Pass whole runs on", anchor=False)
    ended = [record for record in compared.records if record.status in ENDED]
    if ended:
        models = st.checkbox(
            "With their slim models",
            key="compare: with models",
            help="Some 2 MB a run; without them, masks cannot be compared there.",
        )
        _button(
            f"{len(ended)} runs as one file" if len(ended) > 1 else "This run as one file",
            ":material/folder_zip:",
            "runs.zip",
            "application/zip",
            lambda: packed(ended, models),
        )
    if len(ended) < len(compared.records):
        st.caption("Runs that are still going on cannot be passed on yet.")
    bring()


def _button(label: str, icon: str, name: str, mime: str, make: Any, kind: Any = "secondary") -> None:
    st.download_button(label, make, name, mime, icon=icon, on_click="ignore", type=kind, key=f"compare: save {name}")


def written_report(compared: Compared, by: str) -> str:
    """The comparison as one HTML file."""
    from dashboard.compare import report  # brings Plotly's 5 MB of script, which only a report needs

    return report.html(compared, by, views.checked(compared))


def document(compared: Compared) -> str:
    """The comparison as JSON: rows, summaries, configs, curves, checklist."""
    told = compared.comparison.to_dict() | {
        "baseline": compared.baseline,
        "notices": compared.notices,
        "configs": {record.id: record.config.to_dict() for record in compared.records},
        "curves": {
            id: [
                {"iteration": p.iteration, "accuracy": p.accuracy, "seconds": p.seconds, "macs": p.macs} for p in points
            ]
            for id, points in compared.curves.items()
        },
        "classes": {record.id: (record.result or {}).get("classes") for record in compared.records},
        "checklist": [check.to_dict() for check in views.checked(compared)],
    }
    return json.dumps(told, ensure_ascii=False, indent=1)


def packed(records: Sequence[RunRecord], models: bool) -> bytes:
    """Whole runs as one file, as `python -m core runs export` writes it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "runs.zip"
        pack(data.store(), records, file, models)
        return file.read_bytes()


def bring() -> None:
    """The way in for a file of runs."""
    given = st.file_uploader(
        "Bring runs in",
        type="zip",
        key="compare: file",
        disabled=not data.writable(),
        help="A file made by the button above on another machine, or by `python -m core runs export`.",
    )
    if given is not None and st.session_state.get(CAME, (None,))[0] != given.file_id:
        st.session_state[CAME] = (given.file_id, *_unpacked(given.getvalue()))
        st.rerun()
    if given is None:
        return
    _, added, known = st.session_state[CAME]
    if added is None:
        st.error(known[0], icon=":material/error:")
    else:
        also = f"; {len(known)} {'was' if len(known) == 1 else 'were'} there already" if known else ""
        st.success(f"{counted(len(added), 'run')} came in{also}.", icon=":material/check_circle:")


def _unpacked(content: bytes) -> tuple[list[str] | None, list[str]]:
    """(ids added, ids that were there already); for a file that cannot be read, None and the sentence that says so."""
    try:
        with tempfile.TemporaryDirectory() as folder, st.spinner("Reading the runs"):
            file = Path(folder) / "runs.zip"
            file.write_bytes(content)
            return unpack(data.store(), file)
    except MetaVoteError as error:
        return None, [str(error)]
