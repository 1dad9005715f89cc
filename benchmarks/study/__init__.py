"""The evidence: nine questions about the vote, the runs that answer them (`grid.py`), and the report (`report.py`)."""

from pathlib import Path

RUNS = Path(__file__).parents[1] / "study-runs.zip"  # every run of the study
