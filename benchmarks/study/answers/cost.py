"""Question 8: what the zoo costs, and after how many tasks it has paid for itself."""

from benchmarks.study import figures
from benchmarks.study.grid import LONG, SHORT
from benchmarks.study.tables import KEEP, Study, gap_of, mean_of, short, table
from core.pruning.footprint import footprint
from core.reports.cost import pays_off_after
from core.zoo.zoo import open_zoo

MOST = 100  # tasks in the figure


def answer(study: Study) -> str:
    """What the zoo costs, and after how many tasks it has paid for itself."""
    zoo = open_zoo()
    cpu_seconds, macs = zoo.cpu_seconds, float(zoo.about["cost"]["macs"])
    assert cpu_seconds is not None
    rows = []
    for count in study.counts("1", "mvp"):
        own, long = study.of("1", "mvp", count), study.of("1", "taylor", LONG)
        if not own or not long:
            continue
        line = [str(count), gap_of(own, long)]
        for paid, spent in ((cpu_seconds, study.seconds), (macs, study.macs)):
            each, rival = (mean_of(spent["1", *key].values()) for key in (("mvp", KEEP, count), ("taylor", KEEP, LONG)))
            after = pays_off_after(paid, each, rival)
            line += [short(each), short(rival), "never" if after is None else str(after)]
        rows.append(line)
    _draw(study, cpu_seconds)
    energy = footprint(cpu_seconds)
    return f"""## 8. Cost

The zoo of {len(zoo.tasks)} models took {cpu_seconds / 60:.1f} CPU minutes, similarities included, and
{macs / 1e12:.1f} T MACs of training: {1000 * energy.energy_kwh:.1f} Wh, {energy.co2e_grams:.1f} g CO2e. {
        energy.assumptions.sentence()
    }

It is paid for when enough tasks were pruned by `mvp` rather than by {LONG} iterations of `taylor`. The comparison means
something where accuracy is equal (second column).

![CPU time by tasks](cost.svg)

{
        table(
            (
                "mvp iterations",
                f"accuracy minus taylor {LONG}, points",
                "CPU seconds a task",
                "taylor's",
                "tasks to pay off",
                "MACs a task",
                "taylor's",
                "tasks to pay off (MACs of training)",
            ),
            rows,
        )
    }"""


def _draw(study: Study, zoo: float) -> None:
    """CPU minutes spent after so many tasks, the zoo's own included."""
    tasks = range(0, MOST + 1, MOST // 20)
    costs = {f"mvp, {count} iterations, with its zoo": (zoo, "mvp", count) for count in SHORT}
    costs |= {f"taylor, {LONG} iterations": (0.0, "taylor", LONG)}
    series = {
        name: [
            (float(n), (first + n * mean_of(study.seconds["1", method, KEEP, count].values())) / 60, 0.0) for n in tasks
        ]
        for name, (first, method, count) in costs.items()
        if study.of("1", method, count)
    }
    if series:
        figures.lines(study.folder / "cost.svg", series, "tasks pruned", "CPU minutes in all", percent=False)
