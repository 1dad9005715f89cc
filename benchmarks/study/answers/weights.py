"""Question 3: mask or weights?"""

from benchmarks.study import figures
from benchmarks.study.grid import LONG, MASKS, SHORT
from benchmarks.study.stats import difference, summary
from benchmarks.study.tables import Study, gap_of, table


def answer(study: Study) -> str:
    """Mask or weights?"""
    rows, drawn = [], []
    for count in SHORT:
        for mask in (*MASKS, "own, iterative"):
            lent, own = (study.of("3", f"{mask} | {source}", count) for source in ("neighbours", "pretrained"))
            none = study.of("3", f"{mask} | reinitialised", count)
            if lent and own:
                rows.append([str(count), mask, str(len(lent)), *(f"{100 * summary(v).mean:.1f}" if v else "–"
                             for v in (lent, own, none)), gap_of(lent, own)])  # fmt: skip
                if (gap := difference(lent, own)).targets > 1:
                    drawn.append((f"{mask}, {count} it.", gap.mean, gap.low, gap.high))
    if drawn:
        figures.gaps(study.folder / "weights.svg", drawn, "neighbours' weights minus the backbone's, points")
    return f"""## 3. Mask or weights?

![what the neighbours' weights bring, by mask](weights.svg)

{
        table(
            (
                "iterations",
                "mask",
                "n",
                "neighbours' weights, %",
                "backbone's weights, %",
                "reinitialised, %",
                "neighbours' minus backbone's, points",
            ),
            rows,
        )
    }

"own, iterative" is the mask that {LONG} iterations of iterative Taylor found on the target itself."""
