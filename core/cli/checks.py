"""What `doctor` looks at: each check says what it found, whether that is right, and if not, what to do."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

from core.errors import MetaVoteError
from core.numbers import count, counted, megabytes, ratio

OK, MISSING, BROKEN = "ok", "missing", "broken"
PACKAGES = (
    *("torch", "torchvision", "numpy", "safetensors", "sqlalchemy", "platformdirs", "psutil", "pyyaml", "rich"),
    *("streamlit", "plotly", "altair", "pandas", "umap-learn", "captum"),
)
# What a command brings into use that not everybody needs -> the packages, all in requirements-extras.txt.
OPTIONAL_PACKAGES = {
    "export --to onnx": ("onnx", "onnxscript", "onnxruntime"),
    "runs export-to tensorboard": ("tensorboard",),
    "runs export-to mlflow": ("mlflow-skinny", "alembic"),
}
SPACE_NEEDED = 500_000_000  # bytes: the store, a few dozen models, checkpoints
GIGABYTE = 1_000_000_000


@dataclass(frozen=True)
class Check:
    """`needed`: without it the main job, pruning an embedded task, cannot run. `remedy` is "" where all is well."""

    name: str
    state: str
    needed: bool
    found: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def all_checks() -> Iterator[Check]:
    """Every check, in order; one that itself breaks is reported as broken."""
    checks: tuple[tuple[str, bool, Callable[[], Iterator[Check]]], ...] = (
        ("python", True, _python),
        ("packages", True, _packages),
        ("torch", True, _torch),
        ("data set", True, _data_sets),
        ("backbone", True, _backbones),
        ("zoo", True, _zoos),
        ("store", True, _store),
        ("disk", False, _disk),
    )
    for name, needed, check in checks:
        try:
            yield from check()
        except MetaVoteError as error:
            yield Check(name, BROKEN, needed, "cannot be used", str(error))
        except Exception as error:  # a doctor that falls over tells nothing
            yield Check(
                name, BROKEN, needed, f"{type(error).__name__}: {error}", "Install the project again: make install"
            )


def ready(checks: list[Check]) -> bool:
    """Whether the main job can run."""
    return all(check.state == OK for check in checks if check.needed)


def versions() -> dict[str, str | None]:
    """Package -> its version, None where it is not installed; Python's own first."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in (*PACKAGES, *chain(*OPTIONAL_PACKAGES.values())):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def _python() -> Iterator[Check]:
    fine = sys.version_info >= (3, 11)
    remedy = "" if fine else "Install Python 3.11 or newer and make the virtual environment anew."
    yield Check("python", OK if fine else BROKEN, True, platform.python_version(), remedy)


def _packages() -> Iterator[Check]:
    found = versions()
    missing = [name for name in PACKAGES if found[name] is None]
    remedy = f"Run pip install -r requirements.txt, which brings {', '.join(missing)}." if missing else ""
    here = f"{len(PACKAGES) - len(missing)} of {len(PACKAGES)}"
    yield Check("packages", MISSING if missing else OK, True, here, remedy, {"missing": missing})
    for command, names in OPTIONAL_PACKAGES.items():
        absent = [name for name in names if found[name] is None]
        remedy = f"Only for {command}: pip install {' '.join(absent)}" if absent else ""
        here = "not installed" if absent else str(found[names[0]])
        yield Check(names[0], MISSING if absent else OK, False, here, remedy, {"missing": absent})


def _torch() -> Iterator[Check]:
    import torch
    import torchvision

    threads, cores = torch.get_num_threads(), os.cpu_count() or 1
    at_work = f"{counted(threads, 'thread')} on {counted(cores, 'core')}"
    found = f"{torch.__version__}, torchvision {torchvision.__version__}, {at_work}"
    yield Check("torch", OK, True, found, facts={"threads": threads, "cores": cores})
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    note = "" if gpu is None else "; runs use the CPU, where they are repeatable bit by bit"
    yield Check("gpu", OK, False, f"{gpu or 'none, and none is needed'}{note}", facts={"gpu": gpu})


def _data_sets() -> Iterator[Check]:
    from core.tasks.datasets import class_names, dataset_names, load_dataset

    for name, one in dataset_names().items():
        embedded = name == "emoji"
        if not one.available:
            yield Check(f"data set {name}", MISSING, embedded, "not on this machine", one.remedy)
            continue
        classes = len(class_names(name))
        images = len(load_dataset(name).images) if embedded else None  # reading it is the check; the others are large
        found = counted(classes, "class", "classes") + (f", {count(images)} images" if images else "")
        yield Check(f"data set {name}", OK, embedded, found, facts={"classes": classes, "images": images})


def _backbones() -> Iterator[Check]:
    from core.backbones.backbone import DEFAULT, backbone_ids, folders, load_backbone

    shipped = folders()[0]
    for name in dict.fromkeys((DEFAULT, *backbone_ids())):
        try:
            backbone = load_backbone(name)
        except MetaVoteError as error:
            state = BROKEN if name in backbone_ids() else MISSING
            ours = name == DEFAULT or (shipped / f"{name}.safetensors").exists()
            where = "It ships in assets/backbones: restore that folder from the repository."
            remedy = f"{error} {where if ours else f'It is in {folders()[1]}: put the whole file there.'}"
            yield Check(f"backbone {name}", state, name == DEFAULT, "cannot be used", remedy)
            continue
        found = f"{backbone.architecture}, {backbone.source}, hash {backbone.hash[:12]} matches"
        facts = {"architecture": backbone.architecture, "source": backbone.source, "hash": backbone.hash}
        yield Check(f"backbone {name}", OK, name == DEFAULT, found, facts=facts)


def _zoos() -> Iterator[Check]:
    from core.backbones.backbone import load_backbone
    from core.zoo.archive import check
    from core.zoo.zoo import DEFAULT, model_path, open_zoo, zoo_ids

    for name in dict.fromkeys((DEFAULT, *zoo_ids())):
        needed = name == DEFAULT
        remedy = (
            "It ships in assets/zoo: restore that folder from the repository."
            if needed
            else "Build or import it again."
        )
        try:
            zoo = open_zoo(name)
            absent = [task.id for task in zoo.tasks if not model_path(zoo.path, task.id).exists()]
            if not absent:
                check(zoo)
            matches = not zoo.identity.difference(load_backbone(zoo.backbone).identity)
        except MetaVoteError as error:
            yield Check(
                f"zoo {name}", BROKEN if name in zoo_ids() else MISSING, needed, "cannot be used", f"{error} {remedy}"
            )
            continue
        size = size_of(zoo.path)
        found = f"{counted(len(zoo.tasks), 'pruned model')}, keep ratio {ratio(zoo.keep)}, {megabytes(size)}"
        facts = {"tasks": len(zoo.tasks), "targets": len(zoo.targets), "bytes": size, "backbone": zoo.backbone}
        if absent:
            yield Check(f"zoo {name}", BROKEN, needed, f"{found}, {len(absent)} missing", remedy, facts)
        elif not matches:
            yield Check(
                f"zoo {name}", BROKEN, needed, f"{found}, of another {zoo.backbone} than is here", remedy, facts
            )
        else:
            yield Check(f"zoo {name}", OK, needed, f"{found}, backbone hash matches", facts=facts)


def _store() -> Iterator[Check]:
    from core.runs.slot import holder
    from core.runs.status import current
    from core.runs.store import Store

    store = Store()
    records, broken = store.listing()
    by_status: dict[str, int] = {"damaged": len(broken)} if broken else {}
    for record in records:
        status = current(record)
        by_status[status] = by_status.get(status, 0) + 1
    worker = holder(store.database)
    told = ", ".join(f"{number} {status}" for status, number in by_status.items()) or "no runs"
    facts = {"where": store.where, "folder": str(store.folder), "runs": by_status, "worker": worker and worker.pid}
    if store.writable():
        yield Check("store", OK, True, f"{store.where}: {told}", facts=facts)
    else:
        remedy = f"Make {store.folder} writable, or set METAVOTE_HOME to a folder that is."
        yield Check("store", BROKEN, True, f"{store.where} is read-only: {told}", remedy, facts)
    waiting = by_status.get("queued", 0)
    idle = (
        f"none, though {counted(waiting, 'run')} {'waits' if waiting == 1 else 'wait'}"
        if waiting
        else "none; one starts with the next queued run"
    )
    remedy = "Resume or submit any run, which starts a worker." if waiting and worker is None else ""
    found = f"process {worker.pid}" if worker else idle
    yield Check("worker", MISSING if remedy else OK, False, found, remedy, {"pid": worker and worker.pid})


def _disk() -> Iterator[Check]:
    from core.paths import home

    folder = home().absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    remedy = (
        ""
        if free >= SPACE_NEEDED
        else f"Free some space, or set METAVOTE_HOME to a folder on another disk than {folder}."
    )
    yield Check("disk", OK if not remedy else MISSING, False, f"{free / GIGABYTE:.1f} GB free", remedy, {"free": free})


def size_of(folder: Path) -> int:
    """Bytes in all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
