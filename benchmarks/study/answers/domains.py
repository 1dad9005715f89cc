"""Questions 6 and 7, and a part of 4: other backbones, other images, other zoos."""

from benchmarks.study import figures
from benchmarks.study.grid import BACKBONES, LONG, SHORT
from benchmarks.study.stats import Difference, difference, summary
from benchmarks.study.tables import Study, error, figures_of, gap_of, table, verdict
from core.backbones.backbone import backbone_ids, load_backbone


def elsewhere(study: Study, question: str, figure: str) -> str:
    """Every variant on another zoo's targets, against `mvp`: figure and table."""
    rows, gaps = [], {}
    names = list(dict.fromkeys(key[1] for key in study.accuracy if key[0] == question))
    for count in (*SHORT, LONG):
        against = study.of(question, "mvp", count) or study.of(question, "mvp", 60)
        for name in names:
            values = study.of(question, name, count)
            if values:
                rows.append([str(count), name, *figures_of(values), gap_of(values, against) if name != "mvp" else ""])
                if name != "mvp":
                    gaps[f"{name} ({count})"] = difference(values, against)
    if not rows:
        return "Not run yet."
    figures.gaps(study.folder / figure, gaps, "minus mvp at the same iterations, points")
    return f"""{verdict(gaps)}

![differences to mvp]({figure})

{table(("iterations", "variant", "n", "accuracy, %", "minus mvp, points"), rows)}"""


def backbones(study: Study) -> str:
    """Question 6: self-supervised, supervised, random backbone."""
    rows, series = [], {}
    gaps: dict[str, dict[str, Difference]] = {}
    variants = list(dict.fromkeys(key[1].split(" | ")[0] for key in study.accuracy if key[0] == "6"))
    for source in BACKBONES:
        points = []
        for count in (*SHORT, LONG):
            against = study.of("6", f"mvp | {source}", count) or study.of("6", f"mvp | {source}", 60)
            for name in variants:
                if values := study.of("6", f"{name} | {source}", count):
                    gap = gap_of(values, against) if name != "mvp" else ""
                    if name != "mvp":
                        gaps.setdefault(source, {})[f"{name} ({count})"] = difference(values, against)
                    rows.append([source, str(count), name, *figures_of(values), gap])
                    if name == "mvp":
                        points.append((float(count), summary(values).mean, error(values)))
        if points:
            series[source] = points
    if not rows:
        return f"{_BACKBONES}\n\nNot run yet (stage `backbones`)."
    said = "\n".join(f"- {source}: {verdict(found)}" for source, found in gaps.items())
    figures.lines(study.folder / "backbones.svg", series, "training iterations of mvp", "test accuracy, %")
    return f"""{_BACKBONES}

{_probes()}

{said}

![mvp by backbone](backbones.svg)

{table(("backbone", "iterations", "variant", "n", "accuracy, %", "minus mvp, points"), rows)}"""


_BACKBONES = f"""## 6. Self-supervised, supervised, random backbone

The class-disjoint setting of question 4, one zoo of 20 tasks for each backbone, built the same way, one seed. The
supervised twin saw the same training images as often, with the labels of all 47 classes: those of the targets too. The
random backbone was never trained. Methods with {LONG} iterations are held against `mvp` with 60."""


def _probes() -> str:
    """What the backbones' frozen features are worth."""
    rows = []
    for source, id in BACKBONES.items():
        if id in backbone_ids():
            found = load_backbone(id).about["result"]
            assert isinstance(found, dict)
            rows.append([source, *(f"{100 * found[probe]:.1f}" for probe in ("knn", "linear"))])
    return table(("backbone", "k-NN of its features, %", "linear probe, %"), rows)


def fashion(study: Study) -> str:
    """Question 7: a second domain."""
    return f"""## 7. Second domain: Fashion-MNIST

Original files, three classes a task, 20 zoo tasks, 6 targets, the emoji backbone, which never saw such images. Methods
with {LONG} iterations are held against `mvp` with 60.

{elsewhere(study, "7", "fashion.svg")}"""
