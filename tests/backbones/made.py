"""Checkpoints as each layout's own code writes them, made small: each entry is a few numbers, spread over its shape."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from core.backbones.architectures import architecture
from core.backbones.layouts import LAYOUTS, flat_mobilenet

State = dict[str, Tensor]


def spread(shape: torch.Size, number: int, whole: bool = False) -> Tensor:
    """A tensor of that shape whose file holds a number and those after it, one for each output: no constant."""
    if whole or not shape:
        return torch.full((), number, dtype=torch.int64 if whole else torch.float32).expand(shape)
    steps = number + torch.arange(shape[0], dtype=torch.float32) / (2 * shape[0])
    return steps.reshape(-1, *(1 for _ in shape[1:])).expand(shape)


def network_state(name: str = "resnet18", first: int = 1) -> State:
    """A state dict of an architecture with its head; no two entries are alike."""
    state = architecture(name).shell(10).state_dict()
    return {key: spread(t.shape, first + n, not t.is_floating_point()) for n, (key, t) in enumerate(state.items())}


def trunk_of(state: State, head: str = "fc") -> State:
    """Without the head."""
    return {key: value for key, value in state.items() if not key.startswith(f"{head}.")}


def after(prefix: str, state: State) -> State:
    """Every key with something before it."""
    return {prefix + key: value for key, value in state.items()}


def mlp(prefix: str, *numbers: int) -> State:
    """A projector or predictor: weights under these numbers."""
    return {f"{prefix}{n}.weight": spread(torch.Size((4, 4)), n) for n in numbers}


def numbered(state: State) -> State:
    """The parts of a ResNet by their number, as `nn.Sequential(*list(net.children())[:-1])` has them."""
    children = [name for name, _ in architecture("resnet18").shell(2).named_children()]
    return {f"{children.index(key.split('.')[0])}.{key.split('.', 1)[1]}": value for key, value in state.items()}


def training(state: State, key: str = "state_dict", **more: object) -> dict[str, Any]:
    """What training code saves: the state dict beside how far it is, and its optimiser."""
    moments = {"state": {0: {"momentum_buffer": torch.zeros(3)}}, "param_groups": [{"lr": 0.03, "params": [0]}]}
    return {"epoch": 200, "arch": "resnet18", key: state, "optimizer": moments, **more}


def _moco(net: State) -> Any:
    twin = network_state(first=500)
    heads = {**mlp("encoder_q.fc.", 0, 2), **mlp("encoder_k.fc.", 0, 2)}
    queue = {"queue": torch.zeros(4, 8), "queue_ptr": torch.zeros(1, dtype=torch.int64)}
    both = {**after("encoder_q.", trunk_of(net)), **after("encoder_k.", trunk_of(twin))}
    return training(after("module.", {**both, **heads, **queue}))


def _moco_v3(net: State) -> Any:
    twin = after("momentum_encoder.", trunk_of(network_state(first=500)))
    heads = {**mlp("base_encoder.fc.", 0, 3), **mlp("momentum_encoder.fc.", 0, 3), **mlp("predictor.", 0, 3)}
    return training(after("module.", {**after("base_encoder.", trunk_of(net)), **twin, **heads}))


def _simsiam(net: State) -> Any:
    heads = {**mlp("encoder.fc.", 0, 3, 6), **mlp("predictor.", 0, 3)}
    return training(after("module.", {**after("encoder.", trunk_of(net)), **heads}))


def _byol(net: State) -> Any:
    twin = after("target_encoder.net.", network_state(first=500))
    heads = {**mlp("online_encoder.projector.", 0, 3), **mlp("target_encoder.projector.", 0, 3)}
    return {
        **after("net.", net),
        **after("online_encoder.net.", net),
        **twin,
        **heads,
        **mlp("online_predictor.", 0, 3),
    }


def _byol_networks(net: State) -> Any:
    twin = numbered(trunk_of(network_state(first=500)))
    states = [{**after("encoder.", one), **mlp("projetion.net.", 0, 3)} for one in (numbered(trunk_of(net)), twin)]
    return {
        "online_network_state_dict": states[0], "encoder_state_dict": numbered(trunk_of(net)),
        "target_network_state_dict": states[1], "optimizer_state_dict": {"state": {}, "param_groups": []},
    }  # fmt: skip


def _dino(net: State) -> Any:
    student = after("module.backbone.", trunk_of(network_state(first=500)))
    teacher = {**after("backbone.", trunk_of(net)), **mlp("head.mlp.", 0, 2, 4)}
    return {"student": {**student, **mlp("module.head.mlp.", 0, 2, 4)}, "teacher": teacher, "epoch": 800}


def _barlow_twins(net: State) -> Any:
    norm = {
        "bn.running_mean": torch.zeros(4),
        "bn.running_var": torch.ones(4),
        "bn.num_batches_tracked": torch.tensor(3),
    }
    state = {**after("backbone.", trunk_of(net)), **mlp("projector.", 0, 3, 6), **norm}
    return training(after("module.", state), "model")


def _vicreg(net: State) -> Any:
    return training(after("module.", {**after("backbone.", trunk_of(net)), **mlp("projector.", 0, 3, 6)}), "model")


def _solo_learn(net: State) -> Any:
    twin = after("momentum_backbone.", trunk_of(network_state(first=500)))
    heads = {**mlp("projector.", 0, 3), **mlp("momentum_projector.", 0, 3), "classifier.weight": torch.zeros(10, 4)}
    return {
        "state_dict": {**after("backbone.", trunk_of(net)), **twin, **heads},
        "global_step": 9,
        "pytorch-lightning_version": "2",
    }


def _lightly(net: State) -> Any:
    twin = after("backbone_momentum.", numbered(trunk_of(network_state(first=500))))
    heads = {**mlp("projection_head.layers.", 0, 3), **mlp("projection_head_momentum.layers.", 0, 3)}
    return {**after("backbone.", numbered(trunk_of(net))), **twin, **heads}


def _swav(net: State) -> Any:
    return after("module.", {**trunk_of(net), **mlp("projection_head.", 0, 3), "prototypes.weight": torch.zeros(30, 4)})


def _simclr(net: State) -> Any:
    return training(after("backbone.", {**trunk_of(net), **mlp("fc.", 0, 2)}))


def _simclr_bolts(net: State) -> Any:
    state = {
        **after("encoder.", net),
        **mlp("projection.model.", 0, 3),
        **mlp("non_linear_evaluator.block_forward.", 2),
    }
    return {"state_dict": state, "epoch": 9}


def _simclr_encoder(net: State) -> Any:
    return {**after("encoder.", trunk_of(net)), **mlp("projector.", 0, 2)}


def _vissl(net: State) -> Any:
    model = {"trunk": after("_feature_blocks.", trunk_of(net)), "heads": mlp("0.clf.", 0, 2)}
    return {"phase": 999, "classy_state_dict": {"base_model": {"model": model, "meters": {}}}}


def _imgsim(net: State) -> Any:
    return after("module.pre.", net)


def _mobilenet_flat(net: State) -> Any:
    flat = {}
    for key, value in net.items():
        parts = key.split(".")
        block = ".".join(parts[:3])
        names = [f"{block}.{n}.{parts[-1]}" for n in range(8)]
        flat[next((name for name in names if flat_mobilenet(name) == key and name != key), key)] = value
    return flat


MADE: dict[str, Callable[[State], Any]] = {
    "moco": _moco, "moco-v3": _moco_v3, "simsiam": _simsiam, "byol": _byol, "byol-networks": _byol_networks,
    "dino": _dino, "barlow-twins": _barlow_twins, "vicreg": _vicreg, "solo-learn": _solo_learn, "lightly": _lightly,
    "swav": _swav, "simclr": _simclr, "simclr-bolts": _simclr_bolts, "simclr-encoder": _simclr_encoder,
    "vissl": _vissl, "imgsim": _imgsim, "mobilenet-flat": _mobilenet_flat, "torchvision": dict,
}  # fmt: skip


def network_of(layout: str) -> str:
    """The architecture of a layout's made file."""
    return "mobilenet_v2" if layout == "mobilenet-flat" else "resnet18"


assert set(MADE) == set(LAYOUTS), "every layout that is registered has a file made here"
