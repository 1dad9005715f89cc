"""How good are frozen features: k-NN and linear-probe accuracy on held-out images."""

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from core.tasks.images import Examples


@torch.no_grad()
def embed(features: nn.Module, images: npt.NDArray[np.uint8], mean: Tensor, std: Tensor, batch: int = 256) -> Tensor:
    """float32 [N, D] features of uint8 images [N, H, W, 3]; the module is put in eval mode."""
    features.eval()
    out = []
    for start in range(0, len(images), batch):
        x = torch.from_numpy(images[start : start + batch]).permute(0, 3, 1, 2).float() / 255
        out.append(features(((x - mean) / std).to(memory_format=torch.channels_last)).flatten(1).float())
    return torch.cat(out)


def knn_accuracy(train: Tensor, train_labels: Tensor, held: Tensor, held_labels: Tensor, k: int = 15) -> float:
    """Share right of a cosine-similarity weighted vote of the k nearest training images (temperature 0.1)."""
    normal = nn.functional.normalize
    similarity, rows = (normal(held) @ normal(train).T).topk(k, dim=1)
    votes = torch.zeros(len(held), int(train_labels.max()) + 1)
    votes.scatter_add_(1, train_labels[rows], (similarity / 0.1).exp())
    return float((votes.argmax(1) == held_labels).float().mean())


def linear_accuracy(train: Tensor, train_labels: Tensor, held: Tensor, held_labels: Tensor) -> float:
    """Share right of a logistic regression (C = 0.1) on standardised features."""
    scaler = StandardScaler().fit(train.numpy())
    model = LogisticRegression(C=0.1, max_iter=300).fit(scaler.transform(train.numpy()), train_labels.numpy())
    return float(model.score(scaler.transform(held.numpy()), held_labels.numpy()))


def probe(
    features: nn.Module, train: Examples, held: Examples, mean: Tensor, std: Tensor, linear: bool = True
) -> dict[str, float]:
    """{"knn", "linear"}: accuracies on `held` of probes fitted on `train`."""
    x, y = embed(features, train.images, mean, std), torch.from_numpy(train.labels)
    hx, hy = embed(features, held.images, mean, std), torch.from_numpy(held.labels)
    found = {"knn": round(knn_accuracy(x, y, hx, hy), 4)}
    if linear:
        found["linear"] = round(linear_accuracy(x, y, hx, hy), 4)
    return found
