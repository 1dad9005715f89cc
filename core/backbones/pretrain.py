"""The recipe that made the shipped backbones: SimCLR without labels, or cross-entropy with them, on the same images.

    python -m core.backbones.pretrain simclr --dataset emoji --out FOLDER
    python -m core.backbones.pretrain random --out FOLDER   # the control: nothing learnt, some seconds

Runs on any data set and any supported architecture; goes on from `FOLDER/checkpoint.pt`, written every 500 steps, and
ends with `FOLDER/<dataset>-<architecture>-<objective>.safetensors`.
SimCLR: arXiv 2002.05709 (loss from pytorch-metric-learning, augmentations from kornia; both development requirements).
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.backbones.architectures import ARCHITECTURES, feature_extractor
from core.backbones.backbone import save_backbone
from core.backbones.probe import probe
from core.tasks.datasets import load_dataset
from core.tasks.images import TRAIN, VALIDATION, Examples

LOG_EVERY, CHECKPOINT_EVERY = 100, 500  # steps


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights.

    views: augmented images seen in all, the currency of both objectives. horizon: views after which the cosine of the
    learning rate would reach 0. cool_down: last share of the views, in which it falls to 0 in a straight line instead.
    """

    objective: str
    architecture: str = "resnet18"
    dataset: str = "emoji"
    views: int = 1_894_400
    horizon: int = 2_400_000
    cool_down: float = 0.189
    batch: int = 512  # views a step
    learning_rate: float = 0.2
    weight_decay: float = 5e-4
    warm_up: float = 0.04  # share of the horizon
    temperature: float = 0.2
    projection: int = 128
    threads: int = 2
    seed: int = 0


def augmentations(size: int) -> nn.Module:
    """Batched random crops, flips, colours and greys on float images [B, 3, size, size] in [0, 1]."""
    import kornia.augmentation as ka

    return ka.AugmentationSequential(
        ka.RandomResizedCrop((size, size), scale=(0.25, 1.0), ratio=(0.8, 1.25)),
        ka.RandomHorizontalFlip(p=0.5),
        ka.ColorJiggle(0.4, 0.4, 0.4, 0.1, p=0.8),
        ka.RandomGrayscale(p=0.2),
        ka.RandomGaussianBlur((3, 3), (0.1, 1.0), p=0.3),
    )


def simclr(width: int, recipe: Recipe, classes: int) -> tuple[nn.Module, Callable[[Tensor, Tensor], Tensor], int]:
    """(projection head, loss of embeddings and image numbers, views of each image a step)."""
    from pytorch_metric_learning.losses import SupConLoss

    head = nn.Sequential(
        nn.Linear(width, width, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Linear(width, recipe.projection, bias=False),
        nn.BatchNorm1d(recipe.projection),
    )
    # With one positive a row, SupCon is NT-Xent, as a dense matrix; the library's NTXentLoss lists all pairs of pairs.
    contrast = SupConLoss(temperature=recipe.temperature)

    def loss(out: Tensor, _: Tensor) -> Tensor:
        return contrast(out, torch.arange(len(out) // 2).repeat(2))  # type: ignore[no-any-return]

    return head, loss, 2


def supervised(width: int, recipe: Recipe, classes: int) -> tuple[nn.Module, Callable[[Tensor, Tensor], Tensor], int]:
    """(classifier, cross-entropy, one view of each image a step)."""
    return nn.Linear(width, classes), nn.CrossEntropyLoss(label_smoothing=0.1), 1


OBJECTIVES = {"simclr": simclr, "supervised": supervised}
RANDOM = "random"  # no objective: weights as drawn
SOURCES = {"simclr": "self-supervised", "supervised": "supervised", RANDOM: "random"}
SETTLING = 10  # batches of training images that set an untrained network's BatchNorm statistics


def batches(examples: Examples, size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless shuffled (float images in [0, 1], labels); every image once an epoch, the remainder carried over."""
    images = torch.from_numpy(examples.images).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(examples.labels)
    generator = torch.Generator().manual_seed(seed)
    order = torch.empty(0, dtype=torch.int64)
    while True:
        while len(order) < size:
            order = torch.cat([order, torch.randperm(len(images), generator=generator)])
        rows, order = order[:size], order[size:]
        yield images[rows].float() / 255, labels[rows]


def statistics(examples: Examples) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each colour over the images, in [0, 1]."""
    values = examples.images.reshape(-1, 3) / np.float32(255)
    return values.mean(0).round(4).tolist(), values.std(0).round(4).tolist()


def rate_at(step: int, recipe: Recipe) -> float:
    """The learning rate of a step as a share of its peak: warm-up, cosine, cool-down."""
    steps, horizon = recipe.views // recipe.batch, max(recipe.views, recipe.horizon) // recipe.batch
    warm, cool = max(1, round(recipe.warm_up * horizon)), min(steps - 1, round(steps * (1 - recipe.cool_down)))
    reached = min(step, cool)
    planned = min((reached + 1) / warm, 0.5 * (1 + math.cos(math.pi * reached / horizon)))
    return planned * (steps - max(step, cool)) / max(1, steps - cool)


def pretrain(recipe: Recipe, out: Path, log: Callable[[str], None] = print) -> dict[str, Tensor]:
    """Train, resuming from `out/checkpoint.pt` where it fits; returns the backbone's tensors without its classifier.

    Writes `out/log.jsonl` (a line every 100 steps) and the backbone file.
    """
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    data = load_dataset(recipe.dataset)
    train = data.part(TRAIN)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in statistics(train))
    size = train.images.shape[1]
    features, width = feature_extractor(ARCHITECTURES[recipe.architecture].build(size=size))
    head, loss_of, copies = OBJECTIVES[recipe.objective](width, recipe, len(data.classes))
    features.to(memory_format=torch.channels_last)
    model = nn.ModuleDict({"features": features, "head": head})
    optimizer = torch.optim.SGD(
        model.parameters(), recipe.learning_rate, momentum=0.9, weight_decay=recipe.weight_decay, nesterov=True
    )
    steps = recipe.views // recipe.batch
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step, recipe))
    augment = augmentations(size)
    stream = batches(train, recipe.batch // copies, recipe.seed)
    out.mkdir(parents=True, exist_ok=True)
    saved, start, spent = out / "checkpoint.pt", 0, 0.0
    if saved.exists():
        state = torch.load(saved, weights_only=True)
        if state["recipe"] == asdict(recipe):
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
            schedule.load_state_dict(state["schedule"])
            start, spent = state["step"], state["seconds"]
            for _ in range(start):
                next(stream)
            torch.set_rng_state(state["rng"])
            log(f"continuing from step {start} of {steps}")
    clock = time.perf_counter() - spent
    line: dict[str, object] = {}
    model.train()
    for step in range(start, steps):
        images, labels = next(stream)
        views = (augment(torch.cat([images] * copies)) - mean) / std
        with torch.autocast("cpu", torch.bfloat16):
            out_features = features(views.to(memory_format=torch.channels_last))
            embedding = head(out_features.flatten(1))
        loss = loss_of(embedding.float(), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if (step + 1) % LOG_EVERY == 0 or step + 1 == steps:
            line = {
                "step": step + 1, "loss": round(loss.item(), 4), "seconds": round(time.perf_counter() - clock, 1)
            }  # fmt: skip
            if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == steps:
                rng = torch.get_rng_state()
                line |= probe(features, train, data.part(VALIDATION), mean, std, linear=step + 1 == steps)
                model.train()
                torch.set_rng_state(rng)
                state = {
                    "recipe": asdict(recipe), "model": model.state_dict(), "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict(), "step": step + 1, "rng": rng,
                    "seconds": time.perf_counter() - clock,
                }  # fmt: skip
                torch.save(state, saved.with_suffix(".new"))
                saved.with_suffix(".new").replace(saved)
            log(json.dumps({"of": steps, **line}))
            with open(out / "log.jsonl", "a") as file:
                file.write(json.dumps(line) + "\n")
    tensors = {name: value.contiguous() for name, value in features.state_dict().items()}
    publish(recipe, tensors, statistics(train), size, dict(line), out)
    return tensors


def untrained(recipe: Recipe, out: Path) -> dict[str, Tensor]:
    """The control without training: weights as drawn, BatchNorm statistics of training images; writes its file too."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    data = load_dataset(recipe.dataset)
    train = data.part(TRAIN)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in statistics(train))
    features, _ = feature_extractor(ARCHITECTURES[recipe.architecture].build(size=train.images.shape[1]))
    for module in features.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # a plain mean over all that passes
    start, stream = time.perf_counter(), batches(train, recipe.batch, recipe.seed)
    with torch.no_grad():
        for _ in range(SETTLING):
            features((next(stream)[0] - mean) / std)
    found = probe(features, train, data.part(VALIDATION), mean, std)
    tensors = {name: value.contiguous() for name, value in features.state_dict().items()}
    result: dict[str, object] = {"step": 0, "seconds": round(time.perf_counter() - start, 1), **found}
    publish(recipe, tensors, statistics(train), train.images.shape[1], result, out)
    return tensors


def publish(
    recipe: Recipe, tensors: dict[str, Tensor], colours: tuple[list[float], list[float]], size: int,
    result: dict[str, object], out: Path,
) -> Path:  # fmt: skip
    """Write the backbone file; `result`: the last line of the log, with probe accuracies and seconds."""
    name = f"{recipe.dataset}-{recipe.architecture}-{recipe.objective}"
    about = {"recipe": asdict(recipe), "result": result}
    path = out / f"{name}.safetensors"
    save_backbone(
        path, tensors, architecture=recipe.architecture, source=SOURCES[recipe.objective], mean=colours[0],
        std=colours[1], size=size, about=about,
    )  # fmt: skip
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("objective", choices=sorted(SOURCES))
    parser.add_argument("--architecture", default="resnet18", choices=sorted(ARCHITECTURES))
    parser.add_argument("--dataset", default="emoji")
    parser.add_argument("--views", type=int, default=Recipe.views)
    parser.add_argument("--learning-rate", type=float, default=Recipe.learning_rate)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = vars(parser.parse_args())
    recipe = Recipe(**{name: value for name, value in options.items() if name != "out"})
    if recipe.objective == RANDOM:
        untrained(replace(recipe, views=0), options["out"])
    else:
        pretrain(recipe, options["out"])
