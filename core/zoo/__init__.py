"""Zoos: the pruned models of earlier tasks on one backbone, read without torch (`zoo.py`), built with it (`build.py`)."""
