"""Prune one task by several methods and draw their curves: `python -m examples.compare_methods [--to curves.html]`."""

import argparse
from pathlib import Path

import plotly.graph_objects as go

import core
from core.pruning.methods import METHODS


def main() -> None:
    """One run a method, and one picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="emoji-t03")
    parser.add_argument("--methods", nargs="+", default=["mvp", "magnitude", "random"], choices=list(METHODS))
    parser.add_argument("--iterations", type=int, default=60)
    parser.add_argument("--to", type=Path, default=Path("curves.html"))
    given = parser.parse_args()

    figure = go.Figure()
    for method in given.methods:
        run = core.prune(given.task, method=method, keep=0.2, iterations=given.iterations)
        print(f"{METHODS[method].title}: {run.result.test_accuracy:.1%} on test, {run.result.cost['seconds']:.0f} s")
        figure.add_scatter(
            x=[point.iteration for point in run.curve],
            y=[point.accuracy for point in run.curve],
            name=METHODS[method].title,
            mode="lines+markers",
        )
    figure.update_layout(
        title=f"{given.task}, a fifth of the channels kept",
        xaxis_title="Iteration",
        yaxis={"title": "Validation accuracy", "tickformat": ".0%"},
    )
    figure.write_html(given.to)
    print(f"Curves: {given.to}")


if __name__ == "__main__":
    main()
