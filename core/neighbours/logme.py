"""LogME: the evidence of a Bayesian linear model of the labels given a network's features. arXiv 2102.11005."""

import numpy as np
import numpy.typing as npt

from core.neighbours.arrays import Array, labelled

STARTS = 7  # starting values of the ratio alpha / beta, spread over the spectrum: the evidence can have several maxima
RANGE = 1e12  # the ratio is held within this factor of the largest squared singular value
MOST_STEPS = 2000
TOLERANCE = 1e-7  # of the logarithm of the ratio


def logme(features: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Maximum log evidence per image, averaged over one-against-rest labels; higher is more similar.

    features: [N, D] of the target's training images, any N and D; labels: int [N].
    Model of each class: y = F w + noise, y in {0, 1}, w ~ N(0, 1/alpha), noise ~ N(0, 1/beta); the evidence p(y | F)
    is maximised over alpha and beta. Where features explain labels exactly it has no maximum; `RANGE` bounds it.
    """
    design, marks = labelled(features, labels, "Features")
    targets = (marks[:, None] == np.unique(marks)[None, :]).astype(np.float64)
    left, singular, _ = np.linalg.svd(design, full_matrices=False)
    spectrum = singular**2
    explained = (left.T @ targets) ** 2
    rest = np.maximum((targets**2).sum(axis=0) - explained.sum(axis=0), 0.0)
    best = np.full(targets.shape[1], -np.inf)
    top = float(spectrum.max()) or 1.0
    for start in np.geomspace(max(float(spectrum.min()), top / RANGE), top, STARTS):
        ratio = maximise(spectrum, explained, rest, len(design), start)
        best = np.maximum(best, evidence(ratio, spectrum, explained, rest, len(design)))
    return float(best.mean() / len(design))


def evidence(ratio: Array, spectrum: Array, explained: Array, rest: Array, count: int) -> Array:
    """log p(y | F) at ratio = alpha / beta [C] and its best beta, [C].

    y ~ N(0, (I + F F' / ratio) / beta); so at the best beta = N / (y' (I + F F' / ratio)^-1 y) what remains depends on
    the ratio alone. spectrum [R]: squared singular values of F; explained [R, C]: squares of U' y; rest [C]: |y|^2
    outside the span of F; count: N.
    """
    shrink = ratio / (ratio + spectrum[:, None])
    squares = (explained * shrink).sum(axis=0) + rest
    return np.asarray(-0.5 * (count * (np.log(2 * np.pi * squares / count) + 1) - np.log(shrink).sum(axis=0)))


def maximise(spectrum: Array, explained: Array, rest: Array, count: int, start: float) -> Array:
    """The ratio alpha / beta [C] at a stationary point of the evidence, by MacKay's fixed point, from one start.

    alpha = gamma / |m|^2 and beta = (N - gamma) / |F m - y|^2, with m the posterior mean of w and gamma the number of
    well-determined directions; other arguments: see `evidence`. Stops when no ratio moves any more: one that would grow
    or shrink without end is held at `RANGE`, one that still creeps after `MOST_STEPS` is where the evidence is flat.
    """
    top = float(spectrum.max()) or 1.0
    ratio = np.full(explained.shape[1], start)
    for _ in range(MOST_STEPS):
        shrink = ratio / (ratio + spectrum[:, None])
        determined = (1 - shrink).sum(axis=0)
        # N - gamma, from the other side: the plain difference loses all digits where gamma is near N.
        undetermined = count - len(spectrum) + shrink.sum(axis=0)
        mean_square = (explained * (shrink / ratio) ** 2 * spectrum[:, None]).sum(axis=0)
        residual = (explained * shrink**2).sum(axis=0) + rest
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = determined * residual / (mean_square * undetermined)
        new = np.clip(np.where(np.isnan(step), ratio, step), top / RANGE, top * RANGE)
        moved = np.abs(np.log(new / ratio)).max()
        ratio = new
        if moved < TOLERANCE:
            break
    return ratio
