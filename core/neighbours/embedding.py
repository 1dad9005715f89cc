"""One vector a task: where it lies in the backbone's feature space."""

import numpy as np
import numpy.typing as npt

from core.neighbours.arrays import Array, normalised, table


def task_embedding(prototypes: npt.ArrayLike) -> Array:
    """Mean of the L2-normalised class prototypes [C, D], itself normalised to length 1, [D]; zero if they cancel."""
    mean = normalised(table(prototypes, "Prototypes")).mean(axis=0)
    return np.asarray(normalised(mean[None, :])[0])
