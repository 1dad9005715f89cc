"""How training code lays out its checkpoints: one registry of the layouts that are read, one entry each.

Keys are compared without the wrappers that training puts before them (`module.` of data parallel training, `_orig_mod.`
of compiling), so an entry names neither.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.errors import UnknownNameError

SELF_SUPERVISED, SUPERVISED, RANDOM = "self-supervised", "supervised", "random"
SOURCES = (SELF_SUPERVISED, SUPERVISED, RANDOM)
WRAPPERS = ("module.", "_orig_mod.")
FILE = ""  # the state dict is the file itself
PLAIN = "torchvision"


@dataclass(frozen=True)
class Layout:
    """One layout: where the trunk is in a file, and what beside it is known and left behind.

    places: keys from outside in, apart by "/", under which the state dict sits; the first that is there and fits best.
    prefixes: what stands before the trunk's own names, likewise. marks: beginnings of keys that a file of this layout
    has, all of them. alone: whether the trunk is published by itself too, as torchvision names it, which does not tell
    what it is of: read so only where the layout is named. dropped: beginnings of keys beside the trunk's
    (projectors, predictors, momentum twins, queues); the head of the network itself need not be named.
    source: how such weights were trained; "" where the layout does not tell. rename: to torchvision's names.
    """

    name: str
    title: str
    places: tuple[str, ...]
    prefixes: tuple[str, ...]
    marks: tuple[str, ...]
    dropped: tuple[str, ...]
    source: str
    url: str
    rename: Callable[[str], str] | None = None
    alone: bool = False


def older_names(name: str) -> str:
    """torchvision's present name of an entry; its published files of DenseNet and ViT still have older ones."""
    name = re.sub(r"(\.denselayer\d+\.(?:norm|conv))\.([12]\.)", r"\1\2", name)
    return name.replace(".mlp.linear_1.", ".mlp.0.").replace(".mlp.linear_2.", ".mlp.3.")


def flat_mobilenet(name: str) -> str:
    """torchvision's name of a MobileNetV2 entry whose blocks list their layers one after another.

    conv -> BatchNorm -> ReLU6 triples are nested in torchvision, so ReLU6 has no number there.
    """
    parts = name.split(".")
    if len(parts) != 5 or parts[0] != "features" or parts[2] != "conv":
        return name
    first = ("0.0", "0.1", "", "1", "2")  # the first block widens nothing, so it has one triple less
    others = ("0.0", "0.1", "", "1.0", "1.1", "", "2", "3")
    numbers = first if parts[1] == "1" else others
    place = int(parts[3]) if parts[3].isdigit() else len(numbers)
    return name if place >= len(numbers) else ".".join([*parts[:3], numbers[place], parts[4]])


_HUB = "https://github.com/"
LAYOUTS = {
    entry.name: entry
    for entry in (
        Layout(
            "moco", "MoCo v1, v2", ("state_dict",), ("encoder_q.",), ("encoder_q.", "encoder_k.", "queue"),
            ("encoder_k.", "queue", "queue_ptr"), SELF_SUPERVISED, _HUB + "facebookresearch/moco",
        ),
        Layout(
            "moco-v3", "MoCo v3", ("state_dict",), ("base_encoder.",), ("base_encoder.", "momentum_encoder."),
            ("momentum_encoder.", "predictor."), SELF_SUPERVISED, _HUB + "facebookresearch/moco-v3",
        ),
        Layout(
            "simsiam", "SimSiam", ("state_dict",), ("encoder.",), ("encoder.", "predictor."), ("predictor.",),
            SELF_SUPERVISED, _HUB + "facebookresearch/simsiam",
        ),
        Layout(
            "byol", "BYOL (byol-pytorch's learner)", (FILE, "state_dict"), ("online_encoder.net.",),
            ("online_encoder.net.", "online_predictor."),
            ("net.", "online_encoder.projector.", "target_encoder.", "online_predictor."), SELF_SUPERVISED,
            _HUB + "lucidrains/byol-pytorch",
        ),
        Layout(
            "byol-networks", "BYOL (PyTorch-BYOL's two networks)", ("online_network_state_dict",), ("encoder.",),
            ("encoder.", "projetion."), ("projetion.",), SELF_SUPERVISED, _HUB + "sthalles/PyTorch-BYOL",
        ),
        Layout(
            "dino", "DINO", ("teacher",), ("backbone.",), ("backbone.", "head."), ("head.",), SELF_SUPERVISED,
            _HUB + "facebookresearch/dino", alone=True,
        ),
        Layout(
            "barlow-twins", "Barlow Twins", ("model",), ("backbone.",), ("backbone.", "projector.", "bn."),
            ("projector.", "bn."), SELF_SUPERVISED, _HUB + "facebookresearch/barlowtwins", alone=True,
        ),
        Layout(
            "vicreg", "VICReg", ("model",), ("backbone.",), ("backbone.", "projector."), ("projector.",),
            SELF_SUPERVISED, _HUB + "facebookresearch/vicreg", alone=True,
        ),
        Layout(
            "solo-learn", "solo-learn (methods with a projector)", ("state_dict",), ("backbone.",),
            ("backbone.", "classifier.", "projector."),
            ("classifier.", "projector.", "predictor.", "prototypes.", "momentum_", "queue", "head.", "teacher_",
             "student_"),
            SELF_SUPERVISED, _HUB + "vturrisi/solo-learn",
        ),
        Layout(
            "lightly", "lightly (any of its methods)", (FILE, "state_dict"), ("backbone.",),
            ("backbone.", "projection_head."),
            ("projection_head", "prediction_head", "backbone_momentum", "student_", "teacher_", "online_classifier",
             "prototypes", "queue", "criterion", "loss"),
            SELF_SUPERVISED, _HUB + "lightly-ai/lightly",
        ),
        Layout(
            "swav", "SwAV, DeepCluster-v2", (FILE, "state_dict"), ("",), ("projection_head.", "prototypes."),
            ("projection_head.", "prototypes."), SELF_SUPERVISED, _HUB + "facebookresearch/swav",
        ),
        Layout(
            "simclr", "SimCLR (head inside the network)", ("state_dict",), ("backbone.",), ("backbone.fc.2.",), (),
            SELF_SUPERVISED, _HUB + "sthalles/SimCLR",
        ),
        Layout(
            "simclr-bolts", "SimCLR (Lightning Bolts)", ("state_dict",), ("encoder.",), ("encoder.", "projection."),
            ("projection.", "non_linear_evaluator."), SELF_SUPERVISED, _HUB + "Lightning-Universe/lightning-bolts",
        ),
        Layout(
            "simclr-encoder", "SimCLR (encoder and projector)", (FILE, "state_dict"), ("encoder.",),
            ("encoder.", "projector."), ("projector.",), SELF_SUPERVISED, _HUB + "Spijkervet/SimCLR",
        ),
        Layout(
            "vissl", "VISSL (SimCLR, PIRL, SwAV and others)", ("classy_state_dict/base_model/model/trunk",),
            ("_feature_blocks.",), ("_feature_blocks.",), (), SELF_SUPERVISED, _HUB + "facebookresearch/vissl",
        ),
        Layout(
            "imgsim", "AugNet, as imgsim ships it", (FILE,), ("pre.",), ("pre.",), (), SELF_SUPERVISED,
            _HUB + "chenmingxiang110/AugNet",
        ),
        Layout(
            "mobilenet-flat", "MobileNetV2 with its layers one after another", (FILE, "state_dict"), ("",),
            ("features.1.conv.0.weight", "features.2.conv.7.weight"), (), SUPERVISED,
            _HUB + "tonylins/pytorch-mobilenet-v2", flat_mobilenet,
        ),
        Layout(
            PLAIN, "torchvision's own names", (FILE, "state_dict", "model", "model_state_dict", "net", "network"),
            ("", "model.", "backbone.", "encoder.", "net.", "network.", "resnet."), (), (), "",
            "https://docs.pytorch.org/vision/stable/models.html", older_names,
        ),
    )
}  # fmt: skip


def layout(name: str) -> Layout:
    """The layout of that name. Raises UnknownNameError."""
    if name not in LAYOUTS:
        raise UnknownNameError("checkpoint format", name, LAYOUTS)
    return LAYOUTS[name]


def recognised(states: Mapping[str, Mapping[str, object]]) -> Layout:
    """The layout whose marks a file has, torchvision's own names where it has no other's; `states`: place -> keys."""
    for entry in LAYOUTS.values():
        found = [states[place] for place in entry.places if place in states]
        if entry.marks and any(
            all(any(key.startswith(mark) for key in keys) for mark in entry.marks) for keys in found
        ):
            return entry
    return LAYOUTS[PLAIN]
