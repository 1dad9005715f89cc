"""Which of torch's layers a module is: judged by the code that runs, not by the name of its class or of its file."""

from collections.abc import Iterator
from inspect import isfunction

from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear
from torchvision.models.convnext import LayerNorm2d

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)
KINDS: frozenset[type[nn.Module]] = frozenset(
    each
    for each in (*vars(nn).values(), NonDynamicallyQuantizableLinear, LayerNorm2d)
    if isinstance(each, type) and issubclass(each, nn.Module) and each is not nn.Module and each not in CONTAINERS
)
# What a subclass may define without computing anything else.
_HARMLESS = frozenset(
    {
        *("__module__", "__doc__", "__qualname__", "__init__", "__repr__", "extra_repr", "reset_parameters"),
        *("__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__", "__constants__"),
        *("__firstlineno__", "__static_attributes__", "__parameters__", "__orig_bases__", "_version"),
    }
)
# What a module may carry although its class has it too: the form that torch.compile made of it, which copies leave out.
_CARRIED = frozenset({"_compiled_call_impl", *_HARMLESS})


def kind_of(module: nn.Module) -> type[nn.Module] | None:
    """The class of torch's own whose code a module runs: its own class, or a base of which it changes nothing.

    None for any other module: one with a forward of its own, or in which a part of the layer was replaced.
    """
    line = type(module).__mro__
    place = next((number for number, each in enumerate(line) if each in KINDS), None)
    if place is None or replaced_on(module):
        return None
    kind = line[place]
    defined = [(name, part) for each in line[:place] for name, part in vars(each).items() if name not in _HARMLESS]
    # A method that torch's class lacks is never called by it; anything else, a property say, may stand for a setting.
    return kind if all(isfunction(part) and not hasattr(kind, name) for name, part in defined) else None


def replaced_on(module: nn.Module) -> list[str]:
    """The methods that a module has been given on the instance, in the place of its class's: `layer.forward = ...`."""
    kind = next((each for each in type(module).__mro__ if each in KINDS), nn.Module)
    names = set(vars(module)) - _CARRIED
    return sorted(name for name in names if name == "forward" or callable(getattr(kind, name, None)))


def names_of(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """(dotted name, module) of every place in a network, a module with several names under each of them."""
    yield from model.named_modules(remove_duplicate=False)


def replace(model: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put another module in every place where one is, in place."""
    for name in [name for name, each in names_of(model) if each is old]:
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, new)
