"""Data sets, tasks and their splits."""
