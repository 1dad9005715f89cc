"""From the settings a person gave to a run that can work, or one sentence on why it cannot, before it is stored."""

from dataclasses import replace

from core.backbones.backbone import Backbone, find_backbone, is_file_name, load_backbone
from core.channels.budget import Allowance
from core.errors import BadValueError, MismatchError, UnknownNameError
from core.pruning.config import RunConfig, check_k
from core.pruning.methods import METHODS
from core.pruning.schedule import schedule_of
from core.runs.execute import mask_of
from core.runs.record import FINISHED
from core.runs.store import Store
from core.tasks.catalogue import task as task_of
from core.zoo.zoo import find_zoo, open_zoo


def resolved(config: RunConfig, own_backbone: bool) -> RunConfig:
    """The config with what it leaves to others filled in, and with paths that hold from any folder.

    own_backbone: take the zoo's own backbone, as none was asked for. Raises BadValueError for settings that cannot
    work; UnknownNameError, BadFileError, MismatchError for what they name.
    """
    schedule_of(config)
    if "/" in config.zoo and config.needs_zoo:
        config = replace(config, zoo=str(find_zoo(config.zoo).absolute()))
    if is_file_name(config.backbone):
        config = replace(config, backbone=str(find_backbone(config.backbone)))
    if config.needs_zoo:
        config = _with_zoo(config, own_backbone)
    backbone = load_backbone(config.backbone)
    if config.mask_of is not None:
        _check_mask(config, backbone)
    return config


def _with_zoo(config: RunConfig, own_backbone: bool) -> RunConfig:
    """The config with the zoo's own backbone, unless another was asked for; then it has to be the zoo's."""
    zoo = open_zoo(config.zoo)
    if own_backbone:
        config = replace(config, backbone=zoo.backbone)
    if load_backbone(config.backbone).hash != zoo.backbone_hash:
        raise MismatchError(
            f"The zoo {zoo.id} was made on the backbone {zoo.backbone} ({zoo.backbone_hash[:12]}), which "
            f"{config.backbone} is not: choose the backbone it was made on, or another zoo."
        )
    may = [task.id for task in zoo.voters(task_of(config.task))]
    if unknown := [name for name in config.chosen if name not in may]:
        raise UnknownNameError("zoo task that may vote", unknown[0], may)
    if config.k is not None:
        check_k(config.k, len(may))
    if METHODS[config.method].removes and config.mask_of is None and zoo.layers is not None:
        Allowance(config.budget, zoo.groups, zoo.layers, len(task_of(config.task).classes)).counts()
    return config


def _check_mask(config: RunConfig, backbone: Backbone) -> None:
    store = Store()
    record = store.get(str(config.mask_of))
    store.close()
    if record.status != FINISHED:
        raise BadValueError(f"Run {record.id} has no mask to keep, as it has not finished: name one that has.")
    mask_of(config, backbone)
