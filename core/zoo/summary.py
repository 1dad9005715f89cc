"""A zoo in a few numbers, for lists of them. Torch-free."""

from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from core.backbones.listing import about
from core.errors import MetaVoteError
from core.paths import ASSETS
from core.zoo.archive import files_of
from core.zoo.exchange import has_backbone
from core.zoo.zoo import Zoo, open_zoo, zoo_ids


@dataclass(frozen=True)
class Summary:
    """accuracies: of its slim models on their own validation images. source: of its backbone, None where that is not
    here. imported: how many models were made elsewhere. cpu_seconds, engine: as `Zoo` has them.
    """

    id: str
    backbone: str
    architecture: str | None
    source: str | None
    backbone_here: bool
    tasks: int
    targets: int
    imported: int
    datasets: tuple[str, ...]
    keep: float
    mean_accuracy: float | None
    lowest_accuracy: float | None
    bytes: int
    cpu_seconds: float | None
    shipped: bool
    engine: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"datasets": list(self.datasets)}


def summary(zoo: Zoo) -> Summary:
    """What a zoo comes to."""
    accuracies = [zoo.accuracy(task.id) for task in zoo.tasks]
    entries, here = zoo.about["tasks"], has_backbone(zoo)
    sizes = [path.stat().st_size for name in files_of(zoo) if (path := zoo.path / name).is_file()]
    return Summary(
        zoo.id,
        zoo.backbone,
        zoo.about.get("architecture"),
        about(zoo.backbone).source if here else None,
        here,
        len(zoo.tasks),
        len(zoo.targets),
        sum("imported" in entry for entry in entries),
        tuple(dict.fromkeys(task.dataset for task in zoo.tasks)),
        zoo.keep,
        fmean(accuracies) if accuracies else None,
        min(accuracies, default=None),
        sum(sizes),
        zoo.cpu_seconds,
        ASSETS in zoo.path.resolve().parents,
        zoo.engine,
    )


def summaries() -> tuple[list[Summary], dict[str, str]]:
    """(every zoo that is here and can be read, by id; id -> what is wrong with each other one)."""
    found, broken = [], {}
    for id in zoo_ids():
        try:
            found.append(summary(open_zoo(id)))
        except MetaVoteError as error:
            broken[id] = str(error)
    return found, broken
