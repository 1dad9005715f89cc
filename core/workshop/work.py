"""Asking for a zoo or a backbone: build, import, merge, add; cancel, go on, forget. Returns at once. Torch-free."""

import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any, TypeVar

from core.backbones.listing import about as about_backbone
from core.channels.files import load_pruned
from core.errors import BadValueError, MetaVoteError
from core.runs import jobs
from core.workers import detached
from core.workshop.state import (
    BACKBONE,
    BUILD,
    COLLAPSED,
    DONE,
    IMPORT,
    MERGE,
    RECIPE,
    STOPPED,
    WORKING,
    Order,
    collapsed,
    folder_of,
    keep,
    order_of,
    state_of,
    states,
)
from core.zoo.archive import OWNER, check_place, half_built, is_id
from core.zoo.plan import as_planned, check
from core.zoo.recipe import WITHOUT, parsed, plan_of, read_recipe, write_recipe
from core.zoo.zoo import model_path, own_folder, roots, zoo_ids

MODULE = "core.workshop.worker"
FILE = "upload"  # what a person uploaded, with the ending it had
CHOOSE = "choose another name"
T = TypeVar("T")


def build(document: Mapping[str, Any]) -> str:
    """Have a zoo built as a recipe says; returns the order's id. Raises BadValueError for a recipe that cannot work."""
    _check_name(name := str(document.get("zoo", "")))
    id = _new_id(BUILD, name)
    try:
        write_recipe(folder_of(id) / RECIPE, document)
        plan, workers = plan_of(read_recipe(folder_of(id) / RECIPE))
        check(plan, workers)
    except Exception:
        shutil.rmtree(folder_of(id), ignore_errors=True)
        raise
    about = {"tasks": len(plan.tasks), "iterations": plan.iterations, "backbone": plan.backbone}
    return _start(Order(id, BUILD, plan.id, time.time(), about))


def import_zoo(content: bytes, name: str, replace: bool = False) -> str:
    """Have a zoo file checked and made one of the user's own; returns the order's id."""
    id = _new_id(IMPORT, Path(name).stem)
    return _with_file(Order(id, IMPORT, name, time.time(), {"replace": replace}), content, ".zip")


def merge(name: str, zoos: Sequence[str]) -> str:
    """Have zoos merged into a new one of that name; returns the order's id. Raises BadValueError."""
    _check_name(name)
    if len(zoos) < 2:
        raise BadValueError("Choose two zoos or more: one alone is merged already.")
    return _start(Order(_new_id(MERGE, name), MERGE, name, time.time(), {"zoos": list(zoos)}))


def add_backbone(content: bytes, file_name: str, name: str, about: Mapping[str, Any]) -> str:
    """Have a checkpoint read and kept as a backbone of that name; returns the order's id. Raises BadValueError.

    about: what the file does not say of itself: "architecture", "source", "size" and the like.
    """
    if not is_id(name):
        raise BadValueError(f"A backbone's name is made of letters, digits, dots and dashes, unlike {name!r}.")
    told = {"file_name": Path(file_name).name, **about}
    order = Order(_new_id(BACKBONE, name), BACKBONE, name, time.time(), told)
    return _with_file(order, content, Path(file_name).suffix)


def cancel(id: str) -> None:
    """Stop working on an order; what is done of it stays, so that it can go on."""
    folder = folder_of(id)
    if folder.is_dir() and state_of(order_of(id)).status != DONE:
        jobs.stop(folder)
        (folder / STOPPED).touch()


def go_on(id: str) -> None:
    """Work on an order again that was cancelled, failed, or lost its process: a build goes on where it was."""
    order = order_of(id)
    if order.kind == BUILD:
        _claim(order)
    for said in (STOPPED, COLLAPSED):
        (order.folder / said).unlink(missing_ok=True)
    jobs.start(order.folder, lambda: _spawn(order))


def go_on_without(id: str) -> None:
    """Go on with a build without the tasks whose models collapsed."""
    order = order_of(id)
    if gone := collapsed(order):
        recipe = order.folder / RECIPE
        _, document = parsed(recipe.read_bytes(), recipe.name)
        write_recipe(recipe, {**document, WITHOUT: [*document.get(WITHOUT, ()), *gone]})
    go_on(id)


def forget(id: str) -> None:
    """Take an order off the list, with what it made so far where it is not done; a whole zoo stays."""
    order = order_of(id)
    jobs.stop(order.folder)
    if (unfinished := _made(order)) is not None:
        shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(order.folder, ignore_errors=True)


def made_by(order: Order) -> int:
    """How many pruned models an order has made of a zoo that is not done; they go with it where it is forgotten."""
    folder = _made(order)
    return 0 if folder is None else len(_models_in(folder))


def _claim(order: Order) -> None:
    """Make the folder of the zoo that an order builds, which says whose it is, unless that is done.

    Raises BadValueError where one that somebody else builds in has the place, or it cannot be made.
    """
    folder, made = own_folder(order.name), _made(order)
    if (folder / "zoo.json").exists():
        return
    if made is None:
        check_place(order.name, CHOOSE)
    try:
        folder.mkdir(parents=True, exist_ok=made is not None)
        (folder / OWNER).write_text(order.id)
    except OSError as error:
        raise BadValueError(f"{folder} cannot be made ({error.strerror}): check that folder.") from error


def _made(order: Order) -> Path | None:
    """The folder of the zoo that an order builds, where that very order made it and the zoo is not whole."""
    folder = half_built(order.name) if order.kind == BUILD else None
    if folder is None:
        return None
    try:
        return folder if (folder / OWNER).read_text() == order.id else None
    except FileNotFoundError:  # begun before folders said whose they are
        return folder if _as_ordered(order, folder) else None
    except OSError:
        return None


def _models_in(folder: Path) -> list[Path]:
    """The pruned models in a zoo's folder, but for one that is just being written."""
    return list((folder / "models").glob("[!.]*.safetensors"))


def _as_ordered(order: Order, folder: Path) -> bool:
    """Whether all models in a folder are as an order's recipe plans them."""
    try:
        plan, _ = plan_of(read_recipe(order.folder / RECIPE))
        identity, tasks = (
            about_backbone(plan.backbone).identity,
            {model_path(folder, task.id): task for task in plan.tasks},
        )
        for file in _models_in(folder):
            model = load_pruned(file, weights=False)
            if file not in tasks or model.identity.difference(identity) or not as_planned(model, plan, tasks[file]):
                return False
    except MetaVoteError:
        return False
    return True


def leave_to_its_process(folder: Path) -> None:
    """Raise BadValueError where an order's process builds a zoo in a folder: two at once would undo each other's."""
    own, place = roots()[0].absolute(), folder.absolute()
    for one in states():
        if one.status == WORKING and one.order.kind == BUILD and own / one.order.name == place:
            raise BadValueError(
                f"The zoo {one.order.name} is being built on the Zoos page: cancel that there first, or choose another "
                "name."
            )


def beside_orders(folder: Path, steps: Iterator[T]) -> Iterator[T]:
    """The steps of a build that is no order's; the first raises as `leave_to_its_process`, which was asked earlier."""
    leave_to_its_process(folder)
    yield from steps


def upload_of(order: Order) -> Path:
    """The file that a person uploaded with an order."""
    return next(iter(sorted(order.folder.glob(f"{FILE}*"))), order.folder / FILE)


def taken(name: str) -> bool:
    """Whether there is a zoo of that name, or one in the making, by whomever."""
    return _ordered(name) or half_built(name) is not None


def free_name(wanted: str) -> str:
    """A name that a new zoo can have, as near to what is wanted as may be."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted)[:70].strip("-._") or "zoo"
    return next(one for one in chain([plain], (f"{plain}-{number}" for number in count(2))) if not taken(one))


def _ordered(name: str) -> bool:
    making = {one.order.name for one in states() if one.order.kind in (BUILD, MERGE) and one.status != DONE}
    return name in zoo_ids() or name in making


def _check_name(name: str) -> None:
    if not is_id(name):
        raise BadValueError(f"A zoo's name is made of letters, digits, dots and dashes, unlike {name!r}.")
    if _ordered(name):
        raise BadValueError(f"A zoo {name} is here already, or in the making: {CHOOSE}.")
    check_place(name, CHOOSE)


def _new_id(kind: str, name: str) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())[:40].strip("-") or "unnamed"
    return f"{kind}-{plain}-{secrets.token_hex(2)}"


def _with_file(order: Order, content: bytes, ending: str) -> str:
    order.folder.mkdir(parents=True, exist_ok=True)
    (order.folder / f"{FILE}{ending}").write_bytes(content)
    return _start(order)


def _start(order: Order) -> str:
    keep(order)
    try:
        go_on(order.id)
    except Exception:
        forget(order.id)
        raise
    return order.id


def _spawn(order: Order) -> "subprocess.Popen[bytes]":
    return detached(MODULE, order.id, log=order.folder / jobs.LOG, threads=1, fresh_log=True)
