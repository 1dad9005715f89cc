"""Making a checkpoint of somebody else's, or torchvision's published weights, one of the user's own backbones."""

import hashlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.backbones.architectures import architecture
from core.backbones.backbone import (
    ENDING,
    Backbone,
    backbone_ids,
    folders,
    is_file_name,
    keep_backbone,
    load_backbone,
    same_backbone,
    save_backbone,
)
from core.backbones.checkpoints import Trunk, looks_like, read_trunk
from core.backbones.coverage import Coverage
from core.backbones.layouts import PLAIN, RANDOM, SOURCES, SUPERVISED, layout
from core.backbones.torchvision_weights import Presentation, presentation, published, weights_file
from core.backbones.values import as_drawn, unusable
from core.errors import BadFileError, BadValueError, MetaVoteError, UnknownNameError
from core.paths import expanded

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
SMALLEST, LARGEST = 8, 1024  # pixels
DRAWN_FROM = 0  # seed of what a checkpoint leaves open, where that is asked for


@dataclass(frozen=True)
class Wanted:
    """What is asked of a new backbone beside its weights; None: what the checkpoint or torchvision says.

    name: its id. mean, std: per colour, in [0, 1]. size: side of its images in pixels. partial: take it even if the
    checkpoint does not fill the trunk, but enough of it (`Coverage.shortfall`); what is missing is drawn at random.
    """

    name: str | None = None
    size: int | None = None
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    source: str | None = None
    partial: bool = False


@dataclass(frozen=True)
class Added:
    """A new backbone, and how the checkpoint filled it."""

    backbone: Backbone
    coverage: Coverage = field(repr=False)


def add(
    file: str | Path, architecture: str | None = None, format: str | None = None, weights: str | None = None,
    download: bool = False, wanted: Wanted = Wanted(),
) -> Backbone:  # fmt: skip
    """A new backbone: from a checkpoint of `architecture`, from torchvision's `weights`, or from a backbone file.

    Raises as `add_checkpoint`, `add_published` and `keep_backbone`; BadValueError for settings that would be ignored.
    """
    if weights is not None:
        if architecture is not None or format is not None:
            raise BadValueError(
                "With --weights, the first argument is the architecture: leave out --architecture and --format."
            )
        return add_published(str(file), weights, download, wanted).backbone
    if download:
        raise BadValueError("Only weights that torchvision publishes are downloaded: name them with --weights.")
    if architecture is not None:
        return add_checkpoint(Path(file), architecture, format, wanted).backbone
    if format is not None or wanted != Wanted() or not is_file_name(str(file)):
        raise BadValueError(
            "Name the checkpoint's architecture (--architecture on the command line). Only a backbone file needs none, "
            "and it takes no other settings either."
        )
    return keep_backbone(str(file))


def add_checkpoint(file: Path, name: str, format: str | None = None, wanted: Wanted = Wanted()) -> Added:
    """Make a checkpoint a backbone of architecture `name`, found by its id from then on.

    Raises BadFileError below full coverage, or with `partial` if too little is filled; MismatchError for an id that is
    taken, UnknownNameError, BadValueError.
    """
    view, file = _checked_view(presentation(name), wanted), expanded(file)
    trunk = read_trunk(file, name, format, view.size)
    if trunk.coverage.shortfall or not (trunk.coverage.complete or wanted.partial):
        like = None if trunk.coverage.complete else looks_like(file, format, wanted.size)
        raise _misfit(trunk.coverage, like)
    source = _source(trunk, wanted.source, trunk.source or (SUPERVISED if trunk.head else ""), view.size)
    if not source:
        raise BadValueError(
            f"{file.name} has no head and does not tell how it was trained: say so (--source on the command "
            f"line: {', '.join(SOURCES)}), or name the format it is of."
        )
    url = layout(trunk.coverage.layout).url
    origin = {"file": file.name, "sha256": _hash(file), "layout_from": url}
    id = _checked_id(_plain(file) if wanted.name is None else wanted.name)
    return _keep(trunk, name, source, id, view, wanted.partial, origin)


def add_published(name: str, weights: str, download: bool = False, wanted: Wanted = Wanted()) -> Added:
    """Make torchvision's weights of an architecture a backbone; downloaded only where `download` asks for it.

    Raises as `add_checkpoint`; MissingDataError where the file is not on this machine.
    """
    entry = published(name, weights)
    view = _checked_view(presentation(name, weights), wanted)
    id = _checked_id(f"{name}-{weights.lower()}" if wanted.name is None else wanted.name)
    file = weights_file(name, weights, download)
    trunk = read_trunk(file, name, PLAIN, view.size)
    origin = {"file": file.name, "sha256": _hash(file), "weights": str(entry), "url": entry.url}
    return _keep(trunk, name, _source(trunk, wanted.source, SUPERVISED, view.size), id, view, wanted.partial, origin)


def _source(trunk: Trunk, given: str | None, usual: str, size: int) -> str:
    """How the weights of a trunk were trained: as given, else as usual, but random for those that no training shows in.

    Raises BadValueError if a network whose weights are all as drawn is said to be trained.
    """
    if not trunk.untrained:
        return usual if given is None else given
    name = trunk.coverage.architecture
    if given not in (None, RANDOM) and as_drawn(trunk.tensors, _fresh(name, size)):
        raise BadValueError(
            f"The checkpoint holds an untrained {name}, still at its initial values, so its weights are not {given}: "
            f"omit the source, or set it to {RANDOM}."
        )
    return RANDOM if given is None else given


def _fresh(name: str, size: int) -> dict[str, Tensor]:
    """The state dict of an architecture, drawn from a fixed seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(DRAWN_FROM)
        return architecture(name).build(2, size).state_dict()


def _keep(
    trunk: Trunk, name: str, source: str, id: str, view: Presentation, partial: bool, origin: Mapping[str, Any],
) -> Added:  # fmt: skip
    """Write the file, and read it back as the backbone that it is from then on."""
    if source not in SOURCES:
        raise UnknownNameError("source of weights", source, SOURCES)
    tensors, drawn = _whole(trunk, name, partial, view.size)
    about = {
        **origin, "coverage": trunk.coverage.to_dict(), "drawn_at_random": drawn,
        "untrained": trunk.untrained and source == RANDOM,
    }  # fmt: skip
    target = folders()[1] / f"{id}{ENDING}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".add-") as beside:
            made = Path(beside) / target.name
            save_backbone(
                made, tensors, architecture=name, source=source, mean=list(view.mean), std=list(view.std),
                size=view.size, about=about,
            )  # fmt: skip
            if id in backbone_ids():
                return Added(same_backbone(load_backbone(made), load_backbone(id)), trunk.coverage)
            made.replace(target)
    except OSError as error:
        raise MetaVoteError(f"{target} cannot be written ({error.strerror}): check that folder.") from error
    return Added(load_backbone(id), trunk.coverage)


def _whole(trunk: Trunk, name: str, partial: bool, size: int) -> tuple[dict[str, Tensor], list[str]]:
    """(every entry of the trunk, those of them that were drawn at random)."""
    coverage = trunk.coverage
    if not coverage.complete and not partial:
        raise _misfit(coverage, None)
    for key, value in trunk.tensors.items():
        if what := unusable(key, value):
            raise BadFileError(f"The checkpoint holds {what}, in {key}: save plain, trained floating-point weights.")
    if coverage.shortfall:
        raise _misfit(coverage, None)
    found = {key: value.float() if value.is_floating_point() else value for key, value in trunk.tensors.items()}
    if coverage.complete:
        return found, []
    head = f"{architecture(name).head}."
    whole = {key: found.get(key, value) for key, value in _fresh(name, size).items() if not key.startswith(head)}
    return whole, [key for key in whole if key not in found]


def _misfit(coverage: Coverage, like: str | None) -> BadFileError:
    """The error for a checkpoint that does not fill the trunk it is said to be of; like: one that it does fill."""
    fact = f"The checkpoint, read as {coverage.title}, does not fit {coverage.architecture}"
    short = coverage.shortfall
    if like is not None:
        why = f" ({coverage.filling.words} filled; {short})" if short else ""
        message = f"{fact}{why} but looks like {like}: name that architecture"
    elif coverage.complete:
        message = f"{fact}: {coverage.sentence}; {short}: save trained weights"
    else:
        message = f"{fact}: {coverage.sentence}; {f'{short}; ' if short else ''}name its architecture or format"
    return BadFileError(
        f"{message}." if short else f"{message}, or accept partial coverage (--partial on the command line)."
    )


def _checked_view(standard: Presentation, wanted: Wanted) -> Presentation:
    size = standard.size if wanted.size is None else wanted.size
    if not SMALLEST <= size <= LARGEST:
        raise BadValueError(f"The size of images is {SMALLEST} to {LARGEST} pixels, not {size}.")
    mean, std = (
        tuple(default if given is None else map(float, given))
        for default, given in ((standard.mean, wanted.mean), (standard.std, wanted.std))
    )
    sensible = all(0 <= one <= 1 for one in mean) and all(0 < one <= 1 for one in std)
    if not (len(mean) == len(std) == 3 and sensible):
        raise BadValueError(
            "Mean and standard deviation are three numbers each, one a colour, in [0, 1]: such as 0.485,0.456,0.406."
        )
    return Presentation(mean, std, size)


def _checked_id(id: str) -> str:
    if not _ID.fullmatch(id) or id.endswith(ENDING):
        raise BadValueError(f"A backbone's name is made of letters, digits, dots and dashes, unlike '{id}'.")
    return id


def _plain(file: Path) -> str:
    """A file's name as an id: without its endings, and what is not plain in it as dashes."""
    stem = file.name
    for ending in (".tar", ".gz", ".pth", ".pt", ".ckpt", ".torch", ".bin", ENDING):
        stem = stem.removesuffix(ending)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._") or "backbone"


def _hash(file: Path) -> str:
    digest = hashlib.sha256()
    with open(file, "rb") as content:
        while part := content.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
