"""Images on their way into the network: normalised once, drawn in batches that depend on seed and iteration alone."""

import numpy as np
import torch
from torch import Tensor

from core.tasks.images import Examples

PAD = 3  # pixels a training image may be moved by


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
