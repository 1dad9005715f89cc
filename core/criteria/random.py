"""The control: channels by chance."""

import numpy as np
from torch import nn

from core.channels.groups import ChannelGroups
from core.channels.selection import Selection
from core.criteria.scores import Scores


def random(model: nn.Module, groups: ChannelGroups, selection: Selection, seed: int = 0) -> Scores:
    """Uniform scores, the same for the same seed and groups."""
    generator = np.random.default_rng([seed, 0xC4A0])
    return {title: generator.random(size) * selection.mask(title) for title, size in groups.sizes.items()}
