"""A finished run's slim model as a file for use elsewhere, with a card beside it: safetensors, torch.export or ONNX."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.channels import files
from core.channels.files import PrunedModel, load_pruned
from core.errors import BadValueError, MetaVoteError, UnknownNameError
from core.files import write_whole
from core.paths import expanded
from core.pruning.methods import METHODS
from core.reports import formats
from core.reports.away import FORMATS, finished_model
from core.reports.card import Facts, Way, card
from core.reports.comparability import mismatch
from core.reports.records import rows_of, run_document
from core.reports.snippets import snippet
from core.runs.record import FINISHED, RunRecord
from core.runs.store import Store

TRAINED_ALIKE = ("iterations", "backbone", "sampling", "learning_rate", "batch")  # else it is no control
CARD = ".md"  # behind the whole name of the file that it belongs to
NO_LICENCE = "no licence is recorded with it; ask whoever made it before you pass this model on"
DATA_LICENCES = {
    "emoji": "artwork of others under Apache-2.0, MIT and CC-BY-4.0; assets/emoji/ATTRIBUTION.md of the project has all"
}


def export(store: Store, run_id: str, to: str, file: Path, with_card: bool = True) -> dict[str, Any]:
    """Write a run's pruned model to `file`, and what people should know of it to `file`.md.

    {"run", "format", "file", "bytes", "classes", "input", "check", "card", "load"}: check is how far its logits are
    from PyTorch's (None where that could not be found out), load the code that loads it without this project.
    The run's own file is read and checked first; `file` appears whole or not at all. Raises UnknownNameError,
    BadValueError for a run that has not finished and for a folder that is not there, MissingDataError, BadFileError.
    """
    _check_format(to)
    source = finished_model(store, run_id)
    model = load_pruned(source)
    target = _free(file, to, source)
    content, check = in_format(model, to, run_id, source)
    way = way_of(model, to, target.name, check)
    beside = target.with_name(target.name + CARD)
    _write(target, content)
    if with_card:
        _write(beside, card(model, facts_of(store, model, run_id, [way])).encode())
    return {
        "run": run_id,
        "format": to,
        "file": str(target),
        "bytes": target.stat().st_size,
        "classes": list(model.classes),
        "input": input_of(model),
        "check": None if check is None else check.to_dict(),
        "card": str(beside) if with_card else None,
        "load": way.code,
    }


def write(model: PrunedModel, to: str, file: Path) -> formats.Check | None:
    """Write a pruned model that no store holds to `file`, without a card; gives back how it was checked, as above."""
    _check_format(to)
    target = _free(file, to)
    content, check = in_format(model, to, "")
    _write(target, content)
    return check


def _check_format(to: str) -> None:
    if to not in FORMATS:
        raise UnknownNameError("export format", to, FORMATS)


def _write(target: Path, content: bytes) -> None:
    try:
        write_whole(target, content)
    except OSError as error:
        raise MetaVoteError(f"{target} cannot be written ({error.strerror}): choose another place.") from error


def _free(file: Path, to: str, source: Path | None = None) -> Path:
    target = expanded(file)
    ending = FORMATS[to]
    if target.suffix != ending and (to == "torch" or target.suffix in FORMATS.values()):  # torch reads no other ending
        raise BadValueError(f"{target.name} is no name for this format: call it {target.with_suffix(ending).name}.")
    if target.is_dir():
        raise BadValueError(f"{target} is a folder: name a file in it.")
    if not target.parent.is_dir():
        raise BadValueError(f"There is no folder {target.parent}: make it first.")
    if source is not None and target.resolve() == source.resolve():
        raise BadValueError(f"{target} is the run's own file: choose another name.")
    return target


def in_format(
    model: PrunedModel, to: str, run_id: str, source: Path | None = None
) -> tuple[bytes, formats.Check | None]:
    """A model in a format: the file's content, and how it was held against PyTorch; None where that was not possible.

    source: the model's own file, where it has one.
    """
    if to == "safetensors":
        return source.read_bytes() if source else files.content_of(model), formats.check_plain(model)
    make = formats.onnx_bytes if to == "onnx" else formats.torch_bytes
    return make(model, formats.about(model, run_id))


def way_of(model: PrunedModel, to: str, file: str, check: formats.Check | None) -> Way:
    """How a file of that name and format is loaded, and how it was checked."""
    return Way(file, snippet(model, to, file, plain=check is not None), str(check) if check else not_checked(to))


def not_checked(to: str) -> str:
    """Why a file of a format could not be held against PyTorch."""
    if to == "safetensors":
        return "not checked, as torchvision's own network cannot hold these tensors"
    return f"not checked, as {formats.CHECKER} is not installed"


def input_of(model: PrunedModel) -> dict[str, Any]:
    """What images the model wants: shape [B, 3, H, W], values in [0, 1] less `mean`, divided by `std`."""
    return {"shape": [None, 3, model.size, model.size], "mean": list(model.mean), "std": list(model.std)}


def facts_of(store: Store, model: PrunedModel, run_id: str, ways: Sequence[Way]) -> Facts:
    """What is known of a run, its data and its backbone on this machine."""
    found = _backbone(model)
    return Facts(
        run=run_document(store, run_id),
        images=_images(model),
        backbone=found,
        control=_control(store, run_id),
        licences={
            "Backbone": _licence(found),
            "Data set": DATA_LICENCES.get(model.task["dataset"], NO_LICENCE),
        },
        ways=ways,
    )


def _licence(backbone: dict[str, Any] | None) -> str:
    from core.backbones.backbone import FOLDER, find_backbone

    if backbone is None:
        return NO_LICENCE
    if found := backbone["about"].get("licence"):
        return str(found)
    return "ships with Meta-Vote Studio, MIT" if find_backbone(backbone["id"]).parent == FOLDER else NO_LICENCE


def _backbone(model: PrunedModel) -> dict[str, Any] | None:
    """The backbone, where the one of that name here is the one that was pruned."""
    from core.backbones.backbone import load_backbone

    with suppress(MetaVoteError):
        if (found := load_backbone(model.backbone)).hash == model.backbone_hash:
            return found.to_dict()
    return None


def _images(model: PrunedModel) -> dict[str, int]:
    from core.tasks.data import load_task
    from core.tasks.task import Task

    with suppress(MetaVoteError):
        data = load_task(Task.from_dict(model.task), skip_unreadable=model.skips_unreadable)
        return {"training": len(data.train), "validation": len(data.validation), "test": len(data.test)}
    return {}


def _control(store: Store, run_id: str) -> dict[str, Any] | None:
    """The unpruned network's run on the same task, trained alike; of several the one whose seed is nearest."""
    own = store.get(run_id).config
    if not METHODS[own.method].removes:
        return None
    alike = [
        record
        for record in store.list(status=FINISHED, task=own.task, method="dense")
        if all(getattr(record.config, name) == getattr(own, name) for name in TRAINED_ALIKE)
        and _comparable(store.get(run_id), record)
    ]
    best = min(alike, key=lambda record: abs(record.config.seed - own.seed), default=None)
    return None if best is None else run_document(store, best.id)


def _comparable(one: RunRecord, other: RunRecord) -> bool:
    """Whether two runs were made on equal inputs."""
    first, second = rows_of([one, other], {})
    return mismatch(first, second) is None
