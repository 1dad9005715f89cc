"""LEEP: how well a zoo model's own classes predict the target's labels, without training. arXiv 2002.12462."""

import numpy as np
import numpy.typing as npt

from core.errors import BadValueError
from core.neighbours.arrays import labelled


def leep(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Mean log-likelihood of the labels under the empirical predictor, at most 0; higher is more similar.

    probabilities: [N, Z], the zoo model's softmax theta on the target's training images; labels: int [N].
    P(y, z) = sum of theta_z over images with label y, / N; LEEP = mean_i log sum_z P(y_i | z) theta(x_i)_z.
    A class z that is never predicted, P(z) = 0, drops out; divided by P(z), it would give NaN.
    """
    theta, marks = labelled(probabilities, labels, "Probabilities")
    if (theta < 0).any() or not np.allclose(theta.sum(axis=1), 1.0, atol=1e-3):
        raise BadValueError("Probabilities must be at least 0 and sum to 1 in each row: give the model's softmax.")
    _, rows = np.unique(marks, return_inverse=True)
    joint = np.zeros((rows.max() + 1, theta.shape[1]))
    np.add.at(joint, rows, theta)
    marginal = joint.sum(axis=0)
    seen = marginal > 0
    conditional = joint[:, seen] / marginal[seen]
    # At least 1 / (N * Z**2): the likeliest z of an image has theta >= 1 / Z, and the image itself counts in P(y | z).
    return float(np.log((conditional[rows] * theta[:, seen]).sum(axis=1)).mean())
