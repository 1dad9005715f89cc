"""Zoos, the pruned models of earlier tasks: read without torch (`zoo.py`), built with it (`build.py`).

Called, this package is the call of the same name: `core.zoo("my-zoo")`; see help(core.session.zoo).
"""
