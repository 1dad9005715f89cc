"""The process that works on one order: `python -m core.workshop.worker ORDER`."""

import json
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.errors import BadFileError, BadValueError, CollapsedError, MetaVoteError
from core.files import write_whole
from core.numbers import percent
from core.runs.jobs import Progress, progress_of, say
from core.tasks import allowed
from core.workshop.state import BACKBONE, BUILD, COLLAPSED, IMPORT, MERGE, RECIPE, Order, finish, order_of
from core.workshop.work import upload_of
from core.zoo.zoo import own_folder

DESCRIBING = "Measuring how similar all tasks are, and drawing the map"


def build(order: Order) -> Mapping[str, Any]:
    """Build a zoo as its recipe says, and say how far it is after each model."""
    from core.zoo.build import build_zoo, checked
    from core.zoo.recipe import plan_of, read_recipe

    plan, workers = plan_of(read_recipe(order.folder / RECIPE))
    plan = checked(plan, workers)
    told = _Told(order, len(plan.tasks))
    for step in build_zoo(own_folder(plan.id), plan, workers, owner=order.id):
        words = f"{step.task}: {percent(step.accuracy, 1)} of its validation images are right"
        told(step.done, words if step.done < step.total else DESCRIBING, made_now=step.seconds > 0)
    return {"zoo": plan.id}


def import_zoo(order: Order) -> Mapping[str, Any]:
    """Take an uploaded zoo file in."""
    from core.zoo.intake import take

    _Told(order, 1)(0, "Checking every model in the file")
    return {"zoo": take(upload_of(order), bool(order.about.get("replace"))).id}


def merge(order: Order) -> Mapping[str, Any]:
    """Merge zoos into a new one."""
    from core.zoo import compose
    from core.zoo.zoo import open_zoo

    _Told(order, 1)(0, DESCRIBING)
    made = compose.merge(order.name, [open_zoo(name) for name in order.about["zoos"]])
    return {"zoo": made.zoo.id, "left_out": len(made.left_out), "renamed": len(made.renamed)}


def add_backbone(order: Order) -> Mapping[str, Any]:
    """Make an uploaded checkpoint, or backbone file, one of the user's own backbones."""
    from core.backbones.adding import Wanted, add_checkpoint
    from core.backbones.backbone import keep_backbone
    from core.backbones.listing import ENDING, about

    _Told(order, 1)(0, "Reading the checkpoint")
    file = upload_of(order)
    try:
        ours = about(file) if file.suffix == ENDING else None
    except BadFileError:
        ours = None
    if ours is not None:
        if (given := order.about.get("source", ours.source)) != ours.source:
            raise BadValueError(
                f"The file is a backbone file and records {ours.source} weights, not {given}: set Weights to 'as its "
                "layout tells'."
            )
        named = order.folder / "named" / f"{order.name}{ENDING}"
        named.parent.mkdir(exist_ok=True)
        said = f"Read from the file: {ours.architecture}, {ours.size}-pixel images."
        return {"backbone": keep_backbone(Path(shutil.copyfile(file, named))).id, "said": said}
    wanted = Wanted(order.name, size=order.about.get("size"), source=order.about.get("source"))
    added = add_checkpoint(file, str(order.about["architecture"]), order.about.get("format"), wanted)
    return {"backbone": added.backbone.id, "said": f"{added.coverage.sentence}."}


KINDS: dict[str, Callable[[Order], Mapping[str, Any]]] = {
    BUILD: build,
    IMPORT: import_zoo,
    MERGE: merge,
    BACKBONE: add_backbone,
}


class _Told:
    """Says how far an order is; models that an earlier sitting made do not count for the pace."""

    def __init__(self, order: Order, total: int) -> None:
        self.order, self.total, self.began, self.before = order, total, time.time(), 0
        self(0, "Loading the backbone and the images")

    def __call__(self, done: int, doing: str, made_now: bool = True) -> None:
        """Say that so many are done, and what is done now."""
        now = time.time()
        if not made_now:
            self.before = done
            self.began = now
        fresh = done - self.before
        pace = (now - self.began) / fresh if fresh else 0.0
        say(self.order.folder, Progress(done, self.total, now - pace * done, now, doing=doing))


def _fail(order: Order, sentence: str) -> None:
    """Say why it came to nothing, beside how far it was."""
    say(order.folder, replace(progress_of(order.folder), error=sentence))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line. Returns the exit code: 0 done, 1 failed; the reason is left for people to read."""
    allowed.restrict()  # may run for a dashboard visitor
    (id,) = sys.argv[1:] if arguments is None else arguments
    order = order_of(id)
    try:
        finish(order, KINDS[order.kind](order))
    except MetaVoteError as error:
        if isinstance(error, CollapsedError):
            write_whole(order.folder / COLLAPSED, json.dumps(error.tasks).encode())
        print(error, file=sys.stderr)
        _fail(order, str(error))
        return 1
    except Exception as error:
        traceback.print_exc()
        _fail(order, f"It stopped ({type(error).__name__}): read the last lines of its log, and try again.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
