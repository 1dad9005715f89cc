"""The model card: what a slim model is for, how it came about and how to load it, for people who never saw its run.

Only what the run, its files and its data set say of themselves; what none of them says is named as not known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.backbones.coverage import weights_words
from core.channels.files import PrunedModel
from core.numbers import count, energy, mass
from core.pruning.config import RunConfig
from core.pruning.methods import METHODS
from core.reports.snippets import normalising
from core.reports.tables import duration, milliseconds, share, short, times
from core.runs.latency import Latency
from core.tasks.task import Task

ACCURACIES = {
    "test_accuracy": "test accuracy",
    "test_balanced_accuracy": "balanced over classes",
    "test_top5_accuracy": "top-5",
}
TOP = {"test_top5_accuracy": 5}  # answers that count, where more than one does
NOT_KNOWN = (
    "How it does on images from elsewhere was not measured: it knows no class but those above, and names one of them "
    "whatever it is shown. Accuracies are of one run with one seed; other seeds give others."
)


@dataclass(frozen=True)
class Facts:
    """What the card needs to know beyond the model: each None or empty where it is not known on this machine.

    run: as `core.reports.records.run_document` has it. images: split -> number of the task's images. backbone: its
    `to_dict`. control: the document of a run of the unpruned network with the same budget. licences: what -> its note.
    """

    run: Mapping[str, Any]
    images: Mapping[str, int]
    backbone: Mapping[str, Any] | None
    control: Mapping[str, Any] | None
    licences: Mapping[str, str]
    ways: "Sequence[Way]"


@dataclass(frozen=True)
class Way:
    """One file the model can be loaded from: its name, the code that does so, and how the file was checked."""

    file: str
    code: str
    check: str


def card(model: PrunedModel, facts: Facts) -> str:
    """The card as Markdown."""
    task = Task.from_dict(model.task)
    config = RunConfig.from_dict(facts.run["config"])
    parts = [
        f"# {model.architecture}, slim, for {len(model.classes)} classes\n\n{_summary(model, task, config)}",
        f"## What it tells apart\n\n{_classes(model, task, facts)}",
        f"## Loading it\n\n{_loading(model, facts)}",
        f"## How good it is\n\n{_accuracy(facts, len(model.classes))}",
        f"## How large it is\n\n{_sizes(facts)}",
        f"## Where it comes from\n\n{_origin(model, facts, config)}",
        f"## What it cost\n\n{_cost(facts.run['cost'])}",
        f"## What is not known\n\n{NOT_KNOWN}",
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _summary(model: PrunedModel, task: Task, config: RunConfig) -> str:
    method = METHODS[config.method]
    return (
        f"An image classifier: torchvision's `{model.architecture}` with channels removed for one task, `{task.id}`, "
        f"by the method *{method.title}*. {method.help} Made with Meta-Vote Studio."
    )


def _classes(model: PrunedModel, task: Task, facts: Facts) -> str:
    listed = "\n".join(f"{number}. `{name}`" for number, name in enumerate(model.classes))
    told = ", ".join(f"{count(number)} for {split}" for split, number in facts.images.items())
    images = f" Images of the task: {told}." if told else ""
    return f"Classes of the data set `{task.dataset}`, in the order of the outputs:\n\n{listed}\n\n{images.strip()}"


def _loading(model: PrunedModel, facts: Facts) -> str:
    size = model.size
    ways = "\n\n".join(
        f"```python\n{way.code}\n```\n\nChecked when `{way.file}` was written: {way.check}." for way in facts.ways
    )
    return (
        f"{ways}\n\n"
        f"Images are {size}x{size}: turned upright, transparent parts on white, cut to the square in their middle, "
        "resized with Pillow's Lanczos filter. Their values are scaled to 0 to 1, "
        f"less the mean, divided by the standard deviation, a value a colour:\n\n"
        f"```python\n{normalising(model)}\n```\n\n"
        "A logit a class comes out; softmax makes probabilities of them."
    )


def _accuracy(facts: Facts, classes: int) -> str:
    run, control = facts.run, facts.control
    shown = {name: title for name, title in ACCURACIES.items() if run.get(name) is not None}
    rows = [("this model", *(share(run[name]) for name in shown))]
    if control is not None:
        told = f"the unpruned network, same iterations, seed {control['config']['seed']} (run {control['run']})"
        rows.append((told, *(share(control.get(name)) for name in shown)))
    rows.append(("guessing among the classes", *(share(min(1.0, TOP.get(name, 1) / classes)) for name in shown)))
    table = _table(("", *shown.values()), rows)
    missing = (
        ""
        if control
        else "\n\nNo run of the unpruned network at the same budget is in the run store (--method dense makes one)."
    )
    curve = _table(
        ("iteration", "validation accuracy"), [(str(one["iteration"]), share(one["accuracy"])) for one in run["curve"]]
    )
    return f"{table}{missing}\n\nThe test images were looked at once, at the end. On the way:\n\n{curve}"


def _sizes(facts: Facts) -> str:
    asked, got, dense = facts.run["requested"], facts.run["achieved"], facts.run["dense"]
    keep, of = asked.get("keep"), asked.get("of", "channels")
    wanted = {of: "all" if keep is None else share(keep)}
    sparsity = got.get("channel_sparsity")
    kept = share(None if sparsity is None else 1 - sparsity)
    rows = [
        ("channels kept", wanted.get("channels", "-"), kept, "-"),
        *(
            (name, wanted.get(key, "-"), short(got.get(key)), short(dense.get(key)))
            for name, key in (("parameters", "params"), ("MACs for one image", "macs"))
        ),
    ]
    table = _table(("", "asked for", "achieved", "unpruned"), rows)
    told = facts.run.get("latency")
    return f"{table}\n\n{_latency(Latency.from_dict(told)) if told else 'Its latency was not measured.'}"


def _latency(found: Latency) -> str:
    rows = [(str(one.batch), _spread(one.dense), _spread(one.slim), times(one.speed_up)) for one in found.batches]
    table = _table(("batch", "unpruned", "slim", "measured speed-up"), rows)
    return (
        f"Latency on {found.processor}, {found.threads} thread{'s' * (found.threads > 1)}, torch {found.torch}, "
        f"{found.layout}: median and quartiles of a pass; the MACs reduction is {times(found.macs_ratio)}.\n\n{table}"
    )


def _spread(timing: Any) -> str:
    return f"{milliseconds(timing.median)} ({milliseconds(timing.low)} to {milliseconds(timing.high)})"


def _origin(model: PrunedModel, facts: Facts, config: RunConfig) -> str:
    found = facts.backbone
    weights = weights_words(found["source"], found["about"]) if found else "whose file is not on this machine"
    said = {name: value for name, value in config.to_dict().items() if value not in (None, []) and value is not False}
    settings = ", ".join(f"{name} {value}" for name, value in said.items())
    licences = "\n".join(f"- {what}: {note}" for what, note in facts.licences.items())
    how = f"\n\nIt was made like this: {_flat(found['about'])}." if found and found["about"] else ""
    return (
        f"The backbone is `{model.backbone}`, {weights} (SHA-256 of its tensors {model.backbone_hash[:16]}…).{how}\n\n"
        f"The run is `{facts.run['run']}`: {settings}.\n\n{licences}"
    )


def _flat(data: Mapping[str, Any]) -> str:
    parts = []
    for name, value in data.items():
        parts.append(f"{name} ({_flat(value)})" if isinstance(value, Mapping) else f"{name} {value}")
    return ", ".join(parts)


def _cost(cost: Mapping[str, Any]) -> str:
    shown = (
        ("time", "seconds", duration), ("CPU time", "cpu_seconds", duration), ("iterations", "iterations", count),
        ("training MACs", "macs", short), ("energy, estimated", "energy_kwh", energy),
        ("CO2e, estimated", "co2e_grams", mass),
    )  # fmt: skip
    rows = [(name, form(cost[key])) for name, key, form in shown if cost.get(key) is not None]
    return f"{_table(('', 'spent'), rows)}\n\n{cost.get('assumptions', '')}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
