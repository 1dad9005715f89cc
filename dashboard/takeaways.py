"""What a chart says, in a sentence or two: words for people who do not read charts, and for screen readers."""

import numpy as np

from core.channels.overlaps import overlap_matrix
from core.channels.selection import Selection
from core.voting import Votes
from dashboard import theme


def votes_takeaway(votes: Votes, selection: Selection, group: str, chance: float) -> str:
    """How far the neighbours agree in one channel group, and what that leaves to select."""
    voters = votes.voters(group)
    ballots, size = voters.shape
    seats = len(selection.kept[group])
    if ballots == 1:
        return f"One neighbour votes alone: its **{seats}** of {size} channels in {group} are the selection."
    unanimous, wanted = int(voters.all(axis=0).sum()), int(voters.any(axis=0).sum())
    matrix = overlap_matrix([ballot.selection for ballot in votes.ballots], group)
    overlap = float(np.nanmean(matrix))
    return (
        f"In {group}, {ballots} neighbours want **{wanted}** of {size} channels; **{unanimous}** are kept by all of "
        f"them, and **{seats}** are selected. Their overlap is **{theme.decimal(overlap)}** on average, chance is "
        f"{theme.decimal(chance)}: {_agreement(overlap, chance)}."
    )


def _agreement(overlap: float, chance: float) -> str:
    if overlap >= 2 * chance:
        return "they agree far more than by chance"
    if overlap >= 1.2 * chance:
        return "they agree more than by chance"
    return "they agree hardly more than by chance"
