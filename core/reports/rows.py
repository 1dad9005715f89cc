"""What a comparison is made of: one row a run, one summary a variant and budget. Plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One run in a comparison. Accuracies and sparsity are shares (0 to 1); what a run has not reached is None.

    imbalance: training images of its task's largest class for each of the smallest's.
    of: what `keep` is a share of. share: what it came to. deviation: how far that is off `keep`, relative to it.
    latency, dense_latency: median seconds of one image through the slim and the unpruned network, where that was
    measured; `measured_on` says on what machine and threads, and only latencies of the same can be held together.
    backbone: its id. backbone_hash, image_size, normalisation (in words), data: what has to be equal for two accuracies
    to be comparable, None in runs made before they were recorded. engine: version of what made the result, None without
    one. `compare` fills in the rest: setup, what tells the run's inputs from those of others in the comparison ("" if
    nothing does); difference, its test accuracy minus the baseline's, and not_compared, why there is none.
    """

    run: str
    status: str
    variant: str
    method: str
    options: Mapping[str, Any]
    task: str
    keep: float | None
    iterations: int
    seed: int
    test_accuracy: float | None = None
    validation_accuracy: float | None = None
    test_balanced_accuracy: float | None = None
    test_top5_accuracy: float | None = None
    imbalance: float | None = None
    params: int | None = None
    macs: int | None = None
    dense_params: int | None = None
    dense_macs: int | None = None
    channel_sparsity: float | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    of: str | None = None
    share: float | None = None
    deviation: float | None = None
    tags: tuple[str, ...] = ()
    latency: float | None = None
    dense_latency: float | None = None
    measured_on: str | None = None
    backbone: str = ""
    backbone_hash: str | None = None
    image_size: int | None = None
    normalisation: str | None = None
    data: str | None = None
    engine: int | None = None
    setup: str = ""
    difference: float | None = None
    not_compared: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, in the order of the columns."""
        return asdict(self) | {"options": dict(self.options), "tags": list(self.tags)}


@dataclass(frozen=True)
class Summary:
    """Finished runs of one variant at one keep ratio and number of iterations, on equal inputs (`setup`).

    n counts (task, seed) cells; a cell run twice counts once, with its mean. `sd` is the sample standard deviation over
    cells, `seed_sd` the one over seeds within a task, pooled. `difference` is the mean of this minus the baseline over
    the `pairs` cells both have, `difference_se` its standard error; `not_compared` says why there is none. `params`,
    `macs` and `share` are means, as are `compression` (of parameters) and `macs_reduction`, which hold them against the
    unpruned network. `balanced` and `top5` are means over cells of those test accuracies, if every run has one,
    `imbalance` the largest of a run. `of` is what the keep ratio is a share of, if that is one thing for all.
    Statistics that n does not allow are None.
    """

    variant: str
    method: str
    keep: float | None
    iterations: int
    runs: int
    n: int
    tasks: int
    mean: float
    sd: float | None
    seed_sd: float | None
    compression: float | None
    macs_reduction: float | None
    seconds: float | None
    baseline: str | None = None
    difference: float | None = None
    difference_se: float | None = None
    pairs: int = 0
    params: float | None = None
    macs: float | None = None
    balanced: float | None = None
    top5: float | None = None
    imbalance: float | None = None
    share: float | None = None
    of: str | None = None
    setup: str = ""
    not_compared: str | None = None
    is_baseline: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, in the order of the columns."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """Rows in the requested order, and their summaries, best mean first within one keep ratio and iterations.

    base: the row of the run that all are held against; None if the baseline is a variant, or there is none.
    """

    rows: tuple[Row, ...]
    summaries: tuple[Summary, ...]
    base: Row | None = None

    def to_dict(self) -> dict[str, Any]:
        """{"runs": [...], "summary": [...]}."""
        return {"runs": [row.to_dict() for row in self.rows], "summary": [one.to_dict() for one in self.summaries]}
