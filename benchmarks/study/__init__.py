"""The evidence: nine questions about the vote, the runs that answer them (`grid.py`), and the report (`report.py`)."""
