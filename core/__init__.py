"""Meta-Vote Pruning, from Python.

    import core
    task = core.task("emoji", classes=["animal-mammal", "animal-bird", "food-fruit", "tool", "face-hand"])
    near = core.zoo().neighbours(task, k=5)
    votes = core.vote(near)
    run = core.prune(task, method="mvp", keep=0.2, iterations=60, seed=0)
    for event in run: ...        # live; or just ask for the result:
    run.result.test_accuracy
    run.model                    # a slim nn.Module
    run.export("safetensors", "slim.safetensors")

Functions, each documented in help(), such as help(core.prune):

    core.task(name, classes)                        a task, by its id or as some classes of a data set
    core.tasks(kind, setting)                       the tasks that ship
    core.zoo(id)                                    a zoo of pruned models; its neighbours(task, k) are those to vote
    core.vote(neighbours, weighting, keep)          their votes for each channel
    core.prune(task, method, keep, iterations, ...) a run; its result, curve, model, events and export()
    core.build_zoo(id, tasks, targets, ...)         a new zoo, model by model
    core.backbone(what, example_input)              a backbone, by its id or from a module of your own
    core.add_backbone(file, architecture, ...)      a checkpoint as one of your backbones
    core.remove_backbone(id)                        delete one of them

Invalid input raises a subclass of core.errors.MetaVoteError, with one sentence that says what to do.
Names are loaded when first used, so that `import core` costs nothing and never loads torch by itself.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_WHERE = {
    "task": "core.tasks.catalogue",
    "tasks": "core.tasks.catalogue",
    "zoo": "core.session",
    "build_zoo": "core.session",
    "vote": "core.session",
    "prune": "core.session",
    "backbone": "core.session",
    "add_backbone": "core.session",
    "remove_backbone": "core.session",
}

__all__ = ["add_backbone", "backbone", "build_zoo", "prune", "remove_backbone", "task", "tasks", "vote", "zoo"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"core has no {name!r}: it has {', '.join(__all__)}.")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    """The interface, for `dir(core)`, `help(core)` and the Tab key; other parts are imported by their names."""
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])


class _CallablePackage(ModuleType):
    """`core.zoo` and `core.tasks` are packages too: once imported, calling one does what its name offers here."""

    def __call__(self, *args: Any, **settings: Any) -> Any:
        return __getattr__(self.__name__.removeprefix("core."))(*args, **settings)


class _Core(ModuleType):
    def __setattr__(self, name: str, value: Any) -> None:
        if name in _WHERE and isinstance(value, ModuleType):  # the import system puts a subpackage over the name
            value.__class__ = _CallablePackage
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Core
