"""Data sets, tasks and their splits.

Called, this package is the call of the same name: `core.tasks("targets")`; see help(core.tasks.catalogue.tasks).
"""
