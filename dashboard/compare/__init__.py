"""The Compare page in parts: what it reads, what its link holds, the table of runs, the views of those compared."""
