"""Run the study, and write its report.

    python -m benchmarks.study [--full] [--targets ID ...] [--seeds 0 1 2] [--workers 2] [--stages NAME ...]
                               [--variants NAME ...]
    python -m benchmarks.study --report docs/study

Every run is stored (tag `study`) and done once, so a study that was stopped goes on where it was, and so does one whose
runs were imported (`python -m core runs import FILE`). `--report` runs nothing.
"""

import argparse
from pathlib import Path

from benchmarks.runner import finished_runs, run_all
from benchmarks.study.grid import BACKBONES, SEEDS, STAGES, Grid, Stage, backbones, disjoint, fashion
from core.backbones.backbone import backbone_ids
from core.paths import home
from core.runs.store import Store
from core.tasks.catalogue import tasks
from core.tasks.datasets import dataset_names
from core.zoo.build import build_zoo
from core.zoo.plan import shipped_plan
from core.zoo.zoo import own_folder, zoo_ids

TAG = "study"
# Stage -> (setting, backbone) of each zoo that it needs.
ZOOS_OF: dict[Stage, list[tuple[str, str]]] = {
    disjoint: [("emoji-disjoint", BACKBONES["self-supervised"])],
    fashion: [("fashion", BACKBONES["self-supervised"])],
    backbones: [("emoji-disjoint", backbone) for backbone in BACKBONES.values()],
}


def build_missing(setting: str, backbone: str, workers: int) -> None:
    """Build a zoo that a stage needs, unless it is here; what was begun goes on."""
    if backbone == BACKBONES["random"] and backbone not in backbone_ids():
        from core.backbones.pretrain import RANDOM, Recipe, untrained

        untrained(Recipe(RANDOM, views=0), home() / "backbones")
    plan = shipped_plan(setting, backbone)
    if plan.id not in zoo_ids() and dataset_names()[plan.tasks[0].dataset].available:
        for step in build_zoo(own_folder(plan.id), plan, workers):
            print(f"{plan.id}: {step.done} of {step.total} models", flush=True)


def main() -> None:
    """Run what is missing, stage by stage; or write the report of what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="every iteration count, keep ratio and seed everywhere")
    parser.add_argument("--targets", nargs="+", default=[task.id for task in tasks("targets")])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--stages", nargs="+", choices=[stage.__name__ for stage in STAGES])
    parser.add_argument("--variants", nargs="+", help="of each stage only these, such as mvp")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="write the report of the runs there are")
    given = parser.parse_args()
    grid = Grid(given.full, tuple(given.targets), tuple(given.seeds))
    store = Store()
    if given.report:
        from benchmarks.study.report import write_report

        write_report(store, grid, given.report)
        return
    failed: list[str] = []
    for stage in STAGES:
        if given.stages is None or stage.__name__ in given.stages:
            for zoo in ZOOS_OF.get(stage, ()):
                build_missing(*zoo, given.workers)
            found = stage(grid, finished_runs(store, TAG))
            wanted = [place.config for place in found if given.variants is None or place.variant in given.variants]
            failed += run_all(wanted, TAG, given.workers, stage.__name__)
    print(f"not finished: {', '.join(failed)}" if failed else "all finished")


if __name__ == "__main__":
    main()
