"""From the settings a person gave to a run that can work, or one sentence on why it cannot, before it is stored."""

from collections.abc import Mapping
from typing import Any

from core.backbones.backbone import Backbone, identity_of, load_backbone
from core.channels.budget import Allowance
from core.errors import BadValueError, UnknownNameError
from core.pruning.config import RunConfig
from core.pruning.methods import METHODS
from core.pruning.schedule import schedule_of
from core.runs.execute import mask_of
from core.runs.record import FINISHED
from core.runs.settings import run_config
from core.runs.store import Store
from core.tasks.catalogue import task as task_of
from core.voting import check_k
from core.zoo.zoo import Zoo, open_zoo


def resolved(settings: Mapping[str, Any]) -> RunConfig:
    """The config of these settings (`core.runs.settings.run_config`), once it is known that such a run can work.

    Raises BadValueError for settings that cannot work; UnknownNameError, BadFileError, MismatchError for what they
    name.
    """
    schedule_of(RunConfig.from_dict(settings))
    config = run_config(settings, identity_of)
    if config.voting_zoo is not None:
        _check_voters(config, open_zoo(config.voting_zoo))
    if config.mask_of is not None:
        _check_mask(config, load_backbone(config.backbone))
    return config


def _check_voters(config: RunConfig, zoo: Zoo) -> None:
    """Refuse neighbours that the zoo does not have, and a budget that their votes cannot meet."""
    may = [task.id for task in zoo.voters(task_of(config.task))]
    if unknown := [name for name in config.chosen if name not in may]:
        raise UnknownNameError("zoo task that may vote", unknown[0], may)
    if config.k is not None:
        check_k(config.k, len(may))
    if METHODS[config.method].removes and config.mask_of is None and zoo.layers is not None:
        Allowance(config.budget, zoo.groups, zoo.layers, len(task_of(config.task).classes)).counts()


def _check_mask(config: RunConfig, backbone: Backbone) -> None:
    store = Store()
    record = store.get(str(config.mask_of))
    store.close()
    if record.status != FINISHED:
        raise BadValueError(f"Run {record.id} has no mask to keep, as it has not finished: name one that has.")
    mask_of(config, backbone)
