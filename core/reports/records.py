"""From the run store to reports: a run as one document, and many runs as the rows of a comparison."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from core.errors import MetaVoteError
from core.pruning.config import RunConfig
from core.pruning.engine import engine_of
from core.pruning.events import Evaluation, Pruned, RecordedEvent
from core.pruning.methods import METHODS
from core.reports.by_class import imbalance_of
from core.reports.rows import Row
from core.reports.variants import differing_options, variant_name
from core.runs.latency import Latency
from core.runs.record import RunRecord
from core.runs.status import current
from core.runs.store import Store
from core.zoo.zoo import open_zoo


def run_document(store: Store, run_id: str) -> dict[str, Any]:
    """One run as plain data: what was asked for and reached, its validation curve, and what it cost so far.

    `requested`, `achieved`, `dense`, `cost`, `classes` and the test accuracies are those of its `Finished` event; until
    then they hold what is known. `skipped`: unreadable images that were left out, {"count", "files"}, None for none.
    Raises UnknownNameError.
    """
    record = store.get(run_id)
    evaluations, pruned = _evaluations(store, run_id), _last_pruned(store, run_id)
    result = dict(record.result or {})
    latency = latencies_of(store, [run_id]).get(run_id)
    achieved = {} if pruned is None else {
        "channel_sparsity": pruned.channel_sparsity, "params": pruned.params, "macs": pruned.macs,
    }  # fmt: skip
    return {
        "run": record.id,
        "status": current(record),
        "task": record.config.task,
        "method": record.config.method,
        "requested": result.get("requested") or requested(record.config),
        "achieved": result.get("achieved") or achieved,
        "dense": result.get("dense") or {},
        "curve": [{name: value for name, value in one.to_dict().items() if name != "kind"} for one in evaluations],
        "test_accuracy": result.get("test_accuracy"),
        "test_balanced_accuracy": result.get("test_balanced_accuracy"),
        "test_top5_accuracy": result.get("test_top5_accuracy"),
        "imbalance": imbalance_of(result),
        "classes": result.get("classes") or {},
        "cost": result.get("cost") or {},
        "engine": engine_of(result) if result else None,
        "inputs": result.get("inputs"),
        "skipped": (result.get("inputs") or {}).get("skipped"),
        "config": record.config.to_dict(),
        "tags": list(record.tags),
        "notes": record.notes,
        "error": record.error,
        "created": record.created,
        "started": record.started,
        "ended": record.ended,
        "latency": None if latency is None else latency.to_dict(),
        "model": str(store.model_path(run_id)) if store.model_path(run_id).exists() else None,
    }


def requested(config: RunConfig) -> dict[str, Any]:
    """The budget asked for; the keep ratio is None where the method removes nothing."""
    return {**asdict(config.budget), "keep": _keep(config), "iterations": config.iterations, "seed": config.seed}


def reached(config: RunConfig, result: Mapping[str, Any] | None) -> tuple[float | None, float | None]:
    """(the share kept of what the keep ratio is of, how far that is off it, relative to it); None without a budget."""
    achieved = (result or {}).get("achieved") or {}
    if _keep(config) is None or config.mask_of is not None or not achieved:
        return None, None
    share = achieved.get("share")
    if share is None and config.of == "channels" and "channel_sparsity" in achieved:  # from before it was recorded
        share = 1 - achieved["channel_sparsity"]
    return share, None if share is None else share / config.keep - 1


def rows(store: Store, records: Sequence[RunRecord]) -> tuple[list[Row], dict[str, str]]:
    """(one row a run, in their order, named by the options in which these runs differ; id -> a sentence on each run
    that is left out, as its events are damaged)."""
    ids = [record.id for record in records]
    events, broken = store.events_of_runs(ids, [Evaluation.kind])
    whole = [record for record in records if record.id not in broken]
    return rows_of(whole, events, latencies_of(store, ids)), broken


def rows_of(
    records: Sequence[RunRecord],
    events: Mapping[str, Sequence[RecordedEvent]],
    latencies: Mapping[str, Latency] | None = None,
) -> list[Row]:
    """The same from what has been read: run id -> its events, of which the last evaluation counts, and its latency."""
    options = differing_options([record.config for record in records])
    return [
        _row(
            record,
            [one for one in events.get(record.id, ()) if isinstance(one, Evaluation)],
            differ,
            (latencies or {}).get(record.id),
        )
        for record, differ in zip(records, options, strict=True)
    ]


def latencies_of(store: Store, run_ids: Iterable[str] | None = None) -> dict[str, Latency]:
    """Run id -> its latency, of those runs (of all) that have one which can be read."""
    found = {}
    for id, data in store.latencies(run_ids).items():
        with suppress(MetaVoteError):
            found[id] = Latency.from_dict(data)
    return found


def _row(record: RunRecord, evaluations: Sequence[Evaluation], options: dict[str, Any], latency: Latency | None) -> Row:
    one = latency.at(1) if latency else None
    config, result = record.config, record.result or {}
    achieved, dense, cost = (result.get(name) or {} for name in ("achieved", "dense", "cost"))
    share, deviation = reached(config, result)
    inputs = result.get("inputs") or {}
    return Row(
        run=record.id,
        status=current(record),
        variant=variant_name(config.method, options),
        method=config.method,
        options=options,
        task=config.task,
        keep=_keep(config),
        iterations=config.iterations,
        seed=config.seed,
        test_accuracy=result.get("test_accuracy"),
        validation_accuracy=evaluations[-1].accuracy if evaluations else None,
        test_balanced_accuracy=result.get("test_balanced_accuracy"),
        test_top5_accuracy=result.get("test_top5_accuracy"),
        imbalance=imbalance_of(result),
        params=achieved.get("params"),
        macs=achieved.get("macs"),
        dense_params=dense.get("params"),
        dense_macs=dense.get("macs"),
        channel_sparsity=achieved.get("channel_sparsity"),
        seconds=cost.get("seconds"),
        cpu_seconds=cost.get("cpu_seconds"),
        of=config.of if METHODS[config.method].removes and config.mask_of is None else None,
        share=share,
        deviation=deviation,
        tags=record.tags,
        latency=one.slim.median if one else None,
        dense_latency=one.dense.median if one else None,
        measured_on=latency.where if latency and one else None,
        backbone=config.backbone,
        backbone_hash=inputs.get("backbone_hash"),
        image_size=inputs.get("image_size"),
        normalisation=_normalisation(inputs),
        data=inputs.get("data"),
        engine=engine_of(result) if result else None,
    )


def _normalisation(inputs: Mapping[str, Any]) -> str | None:
    """The mean and standard deviation of each colour, in words that are equal if they are."""
    if (found := inputs.get("normalisation")) is None:
        return None
    mean, std = (",".join(f"{value:.4g}" for value in colours) for colours in found)
    return f"mean {mean}, std {std}"


def _keep(config: RunConfig) -> float | None:
    return config.keep if METHODS[config.method].removes else None


def _evaluations(store: Store, run_id: str) -> list[Evaluation]:
    found = store.events(run_id, kinds=[Evaluation.kind])
    return [event for _, event in found if isinstance(event, Evaluation)]


def _last_pruned(store: Store, run_id: str) -> Pruned | None:
    found = [event for _, event in store.events(run_id, kinds=[Pruned.kind]) if isinstance(event, Pruned)]
    return found[-1] if found else None


def zoo_costs(rows: Sequence[Row], records: Sequence[RunRecord]) -> dict[str, float]:
    """Variant -> CPU seconds that its zoo took to build, for the variants whose zoo is on this machine and says so."""
    costs = {}
    for row, record in zip(rows, records, strict=True):
        if (zoo := record.config.voting_zoo) is not None and row.variant not in costs:
            with suppress(MetaVoteError):
                if (spent := open_zoo(zoo).cpu_seconds) is not None:
                    costs[row.variant] = spent
    return costs
