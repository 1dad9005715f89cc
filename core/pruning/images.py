"""Images on their way into the network: normalised once, drawn in batches that depend on seed and iteration alone."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.tasks.images import Examples

PAD = 3  # pixels a training image may be moved by
AUGMENT_FROM = 10  # times a run sees each image; a shorter one learns more from images as they are (docs/results.md)


def normalised(examples: Examples, mean: tuple[float, ...], std: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """(float32 images [N, 3, H, W] in channels-last layout, int64 labels [N])."""
    images = torch.from_numpy(examples.images).permute(0, 3, 1, 2).float() / 255
    shape = (1, 3, 1, 1)
    images = (images - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)
    return images.contiguous(memory_format=torch.channels_last), torch.from_numpy(examples.labels)


def batch_rows(count: int, batch: int, iteration: int, seed: int) -> Tensor:
    """int64 [min(batch, count)] rows of one iteration: epochs of shuffled rows, cut into batches end to end.

    Any iteration can be asked for on its own, which is what makes a resumed run draw what an unbroken one would have.
    """
    size = min(batch, count)
    first = iteration * size
    orders = {epoch: epoch_order(count, epoch, seed) for epoch in (first // count, (first + size - 1) // count)}
    places = np.arange(first, first + size)
    return torch.from_numpy(np.array([orders[int(place) // count][int(place) % count] for place in places]))


def epoch_order(count: int, epoch: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """int64 [count]: one epoch's shuffled rows."""
    return np.random.default_rng([seed, epoch, 0xE90C]).permutation(count)


def members_of(labels: Tensor) -> list[npt.NDArray[np.int64]]:
    """The rows of each class that has any, in the order of the labels [N]."""
    order = np.argsort(labels.numpy(), kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels.numpy()[order])) + 1)


def balanced_rows(members: Sequence[npt.NDArray[np.int64]], batch: int, iteration: int, seed: int) -> Tensor:
    """int64 [min(batch, images)] rows of one iteration, every class as often as any other.

    members: `members_of` the labels. The classes take turns: in all draws since the first, no two differ by more than
    one, nor in any stretch of them where a batch holds every class. Each class goes through its images in shuffled
    epochs of its own. Any iteration can be asked for on its own, as in `batch_rows`.
    """
    size, number = min(batch, sum(map(len, members))), len(members)
    rows = []
    for place in range(iteration * size, (iteration + 1) * size):
        turn, step = divmod(place, number)  # in each turn every class once, so turn counts the draws of every class
        shuffle = turn if number > size else 0  # else always the same classes would meet in a batch
        own = members[_order(number, seed, 0xC1A5, shuffle)[step]]
        epoch, nth = divmod(turn, len(own))
        rows.append(own[_order(len(own), seed, 0xBA1A, int(own[0]), epoch)[nth]])
    return torch.from_numpy(np.array(rows))


@lru_cache(maxsize=4096)
def _order(count: int, *key: int) -> npt.NDArray[np.int64]:
    """int64 [count]: a shuffled order, always the same one for a key."""
    return np.random.default_rng(key).permutation(count)


def sample_rows(labels: Tensor, most: int, seed: int) -> Tensor:
    """int64 rows, in order, of at most `most` examples (all where there are no more), each class in proportion.

    labels: [N]. Every class that is there stays there, as long as `most` is at least the number of classes.
    """
    if len(labels) <= most:
        return torch.arange(len(labels))
    generator, place = np.random.default_rng([seed, 0x5A3B]), np.empty(len(labels))
    for label in np.unique(labels.numpy()):
        rows = np.flatnonzero(labels.numpy() == label)
        place[generator.permutation(rows)] = np.arange(len(rows)) / len(rows)  # the first of each class: 0
    return torch.from_numpy(np.sort(np.argsort(place, kind="stable")[:most]))


def augments(iterations: int, batch: int, count: int) -> bool:
    """Whether a run of so many iterations sees each of `count` training images often enough to augment them."""
    return iterations * min(batch, count) >= AUGMENT_FROM * count


def augmented(images: Tensor, iteration: int, seed: int) -> Tensor:
    """Each image moved by up to PAD pixels and mirrored half of the time; edges are repeated. Same shape as given."""
    generator = np.random.default_rng([seed, iteration, 0xA06])
    count, _, height, width = images.shape
    dy, dx = (generator.integers(-PAD, PAD + 1, count) for _ in range(2))
    flip = generator.random(count) < 0.5
    rows = np.clip(np.arange(height)[None] + dy[:, None], 0, height - 1)
    columns = np.clip(np.arange(width)[None] + dx[:, None], 0, width - 1)
    columns[flip] = columns[flip, ::-1]
    n, y, x = (torch.from_numpy(np.ascontiguousarray(a)) for a in (np.arange(count), rows, columns))
    moved = images.permute(0, 2, 3, 1)[n[:, None, None], y[:, :, None], x[:, None, :]]
    return moved.permute(0, 3, 1, 2)
