"""How the numbers of a comparison are written, on the page and in its report."""

from dashboard import columns
from dashboard.compare import tables

DELTA_HELP = "Test accuracy less the baseline's, in percentage points; means pair by pair of task and seed"
BALANCED_HELP = "Mean of the classes' own test accuracies; shown where a task is imbalanced"
TOP5_HELP = "Share of test images whose class is among the five most likely; of tasks with more than 10 classes"
_SHARED = {
    tables.BALANCED: columns.PERCENT.told(BALANCED_HELP),
    tables.TOP5: columns.PERCENT.told(TOP5_HELP),
    "Δ points": columns.POINTS.told(DELTA_HELP),
}
SUMMARIES = {
    **_SHARED,
    "Runs": columns.COUNT,
    "Tasks": columns.COUNT,
    **dict.fromkeys(("Mean accuracy", "Standard deviation", "Over seeds"), columns.PERCENT),
    "Standard error": columns.SPREAD.told("Of the difference, in points"),
    "Pairs": columns.COUNT.told("Pairs of the same task and seed"),
    "Compression": columns.TIMES.told("Unpruned parameters divided by slim parameters"),
    tables.MACS_REDUCTION: columns.TIMES.told("Unpruned MACs divided by slim MACs. Says nothing about latency"),
    tables.TIME: columns.SECONDS,
}
RESULTS = {
    **_SHARED,
    "Test accuracy": columns.PERCENT,
    "Validation": columns.PERCENT.told("At the last evaluation"),
    tables.REACHED: columns.FINELY.told("Of what was asked for"),
    tables.OFF_BY: columns.DEVIATION.told("Relative to what was asked for"),
    "Parameters": columns.SHORT,
    "MACs": columns.SHORT.told("Multiply-accumulates for one image"),
    "Iterations": columns.COUNT,
    tables.CPU_TIME: columns.SECONDS,
    tables.LATENCY: columns.MILLISECONDS.told("Of one image, median of many passes"),
    **dict.fromkeys(
        ("× parameters", "× MACs", "× latency", "× CPU"), columns.TIMES_FINELY.told("As many times the baseline's")
    ),
}
