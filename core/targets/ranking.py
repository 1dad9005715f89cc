"""What is known of an own task in a zoo: its similarity to every zoo task, and where it lies. Torch-free."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.files import write_whole
from core.pruning.config import SIMILARITIES
from core.tasks.own import folder_of
from core.zoo.zoo import Zoo

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """similarities: kind -> float [zoo tasks], in the zoo's order; embedding: float [D], as the zoo's own rows."""

    similarities: Mapping[str, Floats]
    embedding: Floats


def ranking_file(id: str, zoo: Zoo) -> Path:
    """Where the ranking of an own task in a zoo is, as that zoo is now."""
    return folder_of(id) / f"ranking-{str(zoo.about['hash'])[:16]}.json"


def keep_ranking(id: str, zoo: Zoo, found: Ranking) -> None:
    """Write a ranking, whole or not at all."""
    document = {
        "tasks": [task.id for task in zoo.tasks],
        "similarities": {kind: found.similarities[kind].tolist() for kind in SIMILARITIES},
        "embedding": found.embedding.tolist(),
    }
    write_whole(ranking_file(id, zoo), json.dumps(document).encode())


def ranking_of(id: str, zoo: Zoo) -> Ranking | None:
    """The ranking of an own task in a zoo; None where there is none of the zoo as it is now, or it is damaged."""
    try:
        document = json.loads(ranking_file(id, zoo).read_text())
        rows = {kind: np.array(document["similarities"][kind], np.float64) for kind in SIMILARITIES}
        embedding = np.array(document["embedding"], np.float64)
        if document["tasks"] != [task.id for task in zoo.tasks] or embedding.ndim != 1:
            return None
        if not all(row.shape == (len(zoo.tasks),) and np.isfinite(row).all() for row in rows.values()):
            return None
        return Ranking(rows, embedding)
    except (OSError, ValueError, KeyError, TypeError):
        return None
