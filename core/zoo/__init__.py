"""Zoos, the pruned models of earlier tasks: read without torch (`zoo.py`), built with it (`build.py`)."""
