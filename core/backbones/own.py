"""A module of one's own as a backbone, for as long as this process lives; elsewhere it has to be given again."""

import copy
import hashlib

import torch
from torch import Tensor, nn

from core.backbones.architectures import OWN_ARCHITECTURES, Architecture, adapted, head_of, new_head, replace_head
from core.backbones.backbone import OWN_BACKBONES, Backbone, tensors_hash
from core.backbones.listing import OWN
from core.backbones.plain import check_one_name, check_outputs, check_plain, check_state
from core.errors import MismatchError, UnsupportedError, first_line

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and standard deviation of each colour


def own_backbone(
    module: nn.Module,
    example_input: Tensor,
    source: str = "random",
    mean: tuple[float, ...] = IMAGENET[0],
    std: tuple[float, ...] = IMAGENET[1],
) -> tuple[Backbone, Architecture]:
    """The module's body, with the weights it has now, as a backbone, and how to build it; its head is made anew.

    example_input: images [B, 3, S, S]. source, mean, std: as in `Backbone`. The module itself is copied and left alone.
    The id follows from class, layers and weights: the same module given again, in another process too, is the same
    backbone. Nobody finds it by its id until it is `given`, and whether it can be pruned is for `core.channels.groups`
    to say. Raises UnsupportedError, MismatchError.
    """
    if not isinstance(example_input, Tensor):
        raise MismatchError(f"An example input is a tensor of images, [B, 3, S, S], not {example_input!r}: give one.")
    size = square(example_input)
    check_plain(module)
    opened = adapted(_copied(module).cpu().float()).eval()  # it may be on a GPU, or of half precision
    for parameter in opened.parameters():  # all of a backbone is trained
        parameter.requires_grad_(parameter.is_floating_point())
    title, head = head_of(opened)
    check_one_name(opened, head)
    try:
        with torch.no_grad():
            output, reached = _output(opened, head, example_input.cpu().float())
    except Exception as error:  # of any kind: the module is somebody else's
        raise UnsupportedError(
            f"{type(module).__name__} cannot compute images of shape {list(example_input.shape)} "
            f"({first_line(error)}): pass an example_input of the shape that it takes."
        ) from error
    check_outputs(module, title, output, (len(example_input), len(head.weight)), reached)
    check_state(opened)
    made = own_architecture(opened, size)
    tensors = {
        name: tensor.detach().clone()
        for name, tensor in opened.state_dict().items()
        if not name.startswith(f"{made.head}.")
    }
    digest = tensors_hash(tensors)
    return Backbone(f"{made.name}-{digest[:8]}", made.name, source, digest, mean, std, size, tensors), made


def _copied(module: nn.Module) -> nn.Module:
    """A copy of a module. Raises UnsupportedError for one that cannot be copied."""
    try:
        return copy.deepcopy(module)
    except Exception as error:  # of any kind: the module is somebody else's
        raise UnsupportedError(
            f"{type(module).__name__} cannot be copied ({first_line(error)}): keep nothing in it but modules, "
            "parameters, buffers and plain settings."
        ) from error


def _output(opened: nn.Module, head: nn.Module, images: Tensor) -> tuple[object, bool]:
    """(what the network computes, whether its head had a part in that)."""
    reached: list[bool] = []
    hook = head.register_forward_hook(lambda *_: reached.append(True))
    try:
        return opened(images), bool(reached)
    finally:
        hook.remove()


def give(backbone: Backbone, made: Architecture) -> None:
    """From now on, everything in this process finds them by id and by name."""
    OWN_ARCHITECTURES[made.name] = made
    OWN_BACKBONES[backbone.id] = backbone


def square(images: Tensor) -> int:
    """The side of square colour images [B, 3, S, S]. Raises MismatchError for anything else."""
    if images.dim() != 4 or images.shape[1] != 3 or images.shape[2] != images.shape[3]:
        raise MismatchError(
            f"An example input is a batch of square colour images, [B, 3, S, S], not {list(images.shape)}: give one."
        )
    return images.shape[2]


def own_architecture(opened: nn.Module, size: int) -> Architecture:
    """How to build the module again, with another number of outputs. Its name tells what it looks like."""
    frame = copy.deepcopy(opened)

    def make(weights: None, num_classes: int) -> nn.Module:
        again = copy.deepcopy(frame)
        replace_head(again, new_head(again, num_classes))
        return again

    looks = hashlib.sha256(repr(opened).encode()).hexdigest()[:8]
    name = f"{OWN}{type(opened).__name__}-{looks}"
    return Architecture(name, make, head_of(opened)[0], "own", size, least=1)
