"""The process that embeds a new target and ranks a zoo for it: `python -m core.targets.worker TASK FOLDER`."""

import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.errors import MetaVoteError
from core.runs.jobs import Progress, say
from core.targets.ranking import Ranking, keep_ranking
from core.targets.state import job_folder
from core.tasks import allowed
from core.tasks.catalogue import task as task_of
from core.zoo.pairing import backbone_for
from core.zoo.zoo import open_zoo


def rank(id: str, folder: Path) -> None:
    """Embed the own task of that id, rank the zoo in a folder for it, and keep both. Raises MetaVoteError."""
    from core.backbones.backbone import load_backbone
    from core.neighbours.embedding import task_embedding
    from core.tasks.data import load_task
    from core.zoo.similarity import prototypes, similarities

    task, zoo = task_of(id), open_zoo(folder)
    backbone = load_backbone(backbone_for(zoo))
    data, job = load_task(task, backbone.size), job_folder(id, folder)
    started, total = time.time(), len(zoo.tasks)
    say(job, Progress(0, total, started, started))

    def looked(done: int) -> None:
        say(job, Progress(done, total, started, time.time()))

    found = similarities(zoo, task, data, backbone, looked)
    embedding = task_embedding(prototypes(backbone, data.train))
    keep_ranking(id, zoo, Ranking({kind: np.array(row) for kind, row in found.items()}, embedding))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line. Returns the exit code: 0 done, 1 failed; the reason is left for people to read."""
    allowed.restrict()  # may run for a dashboard visitor
    id, path = sys.argv[1:] if arguments is None else arguments
    folder = Path(path)
    try:
        rank(id, folder)
    except MetaVoteError as error:
        say(job_folder(id, folder), Progress(error=str(error)))
        return 1
    except Exception as error:
        traceback.print_exc()
        told = f"Ranking stopped ({type(error).__name__}): read the last lines of its log, and retry."
        say(job_folder(id, folder), Progress(error=told))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
