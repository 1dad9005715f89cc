"""Question 3: mask or weights?"""

from benchmarks.study import figures
from benchmarks.study.grid import LONG, MASKS, SHORT
from benchmarks.study.stats import difference, summary
from benchmarks.study.tables import Study, gap_of, table, verdict


def answer(study: Study) -> str:
    """Mask or weights?"""
    rows, gaps = [], {}
    for count in SHORT:
        for mask in (*MASKS, "own, iterative"):
            lent, own = (study.of("3", f"{mask} | {source}", count) for source in ("neighbours", "pretrained"))
            none = study.of("3", f"{mask} | reinitialised", count)
            if lent and own:
                rows.append([str(count), mask, str(len(lent)), *(f"{100 * summary(v).mean:.1f}" if v else "–"
                             for v in (lent, own, none)), gap_of(lent, own)])  # fmt: skip
                gaps[f"{mask} ({count})"] = difference(lent, own)
    if gaps:
        figures.gaps(study.folder / "weights.svg", gaps, "neighbours' weights minus the backbone's, points")
    return f"""## 3. Mask or weights?

What the neighbours' weights bring under each mask. {verdict(gaps, "the backbone's weights")}

{_masks(study)}

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


def _masks(study: Study) -> str:
    """What the votes' mask brings beside the target's own, both with the neighbours' weights."""
    gaps = {}
    for count in SHORT:
        votes, own = (study.of("3", f"{mask} | neighbours", count) for mask in ("votes", "own, iterative"))
        if votes and own:
            gaps[f"the target's own mask ({count})"] = difference(own, votes)
    said = verdict(gaps, "the votes' mask")
    return f"With the neighbours' weights under both: {said}" if said else ""
