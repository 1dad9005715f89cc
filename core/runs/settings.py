"""From the settings a person gave to a run's config, with the zoo and the backbone that belong to it. Torch-free."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from core.backbones.identity import Identity
from core.backbones.listing import find_backbone, is_file_name
from core.backbones.places import is_path
from core.pruning.config import RunConfig
from core.tasks import allowed
from core.zoo.pairing import backbone_for, recorded_identity
from core.zoo.zoo import find_zoo, open_zoo


def run_config(settings: Mapping[str, Any], identity_of: Callable[[str], Identity] = recorded_identity) -> RunConfig:
    """The config of these settings, with paths that hold from any folder; settings left out take their defaults.

    Whatever the method, its backbone is the one given, else the zoo's own, and the zoo is the one given, else the
    embedded one. A backbone given alone, to a method that needs no zoo, goes without one: the config's zoo is None.
    identity_of: what tells a backbone from others, by id or file. Raises BadValueError for a setting that cannot work;
    UnknownNameError, BadFileError, MissingDataError for what it names; MismatchError for a zoo and a backbone that it
    was not made on.
    """
    config = RunConfig.from_dict(settings)
    if is_file_name(config.backbone):
        file = find_backbone(config.backbone)
        allowed.permit(file)  # so that the worker, which is restricted, may read it
        config = replace(config, backbone=str(file))
    given = config.backbone if "backbone" in settings else None
    alone = given is not None and "zoo" not in settings and not config.needs_zoo
    if alone or config.zoo is None:
        identity_of(config.backbone)  # which refuses one that is not here
        return replace(config, zoo=None)
    folder = find_zoo(config.zoo)
    zoo = config.zoo
    if is_path(zoo):
        allowed.permit(folder)
        zoo = str(folder.absolute())
    return replace(config, zoo=zoo, backbone=backbone_for(open_zoo(folder), given, identity_of))
