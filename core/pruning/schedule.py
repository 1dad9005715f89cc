"""When a method scores, prunes, trains and is evaluated, given how many iterations it may spend."""

import math
from dataclasses import dataclass

from core.errors import BadValueError
from core.pruning.config import RunConfig
from core.pruning.events import Phase
from core.pruning.methods import METHODS

VOTES = 3  # rounds of dynamic voting
VOTES_END = 1 / 3  # share of the iterations until the last of them
ROUNDS = 8  # pruning rounds of the iterative method
WARM_UP, ROUNDS_END = 1 / 12, 2 / 3  # shares of the iterations: before the first round, and until the last
SCORING_MOST, SCORING_SHARE = 10, 1 / 4  # one-shot methods score this many batches, at most this share of the budget
WARM_UP_STEPS = 3  # iterations over which the learning rate rises
EVALUATIONS = 12  # a run, besides the first


@dataclass(frozen=True)
class Schedule:
    """rounds: (iteration it happens before, keep ratio it leaves). scoring: iterations that score without training.

    gathers: whether training iterations gather importance for later rounds. first_keep: the keep ratio of a choice
    made before the first iteration.
    """

    iterations: int
    rounds: tuple[tuple[int, float], ...] = ()
    scoring: int = 0
    gathers: bool = False
    first_keep: float = 1.0

    def learning_rate_at(self, iteration: int, peak: float) -> float:
        """0 while scoring; then a short linear warm-up, and a cosine from `peak` to 0 over what is left."""
        place, length = iteration - self.scoring, self.iterations - self.scoring
        if place < 0:
            return 0.0
        return peak * min(1.0, (place + 1) / WARM_UP_STEPS) * 0.5 * (1 + math.cos(math.pi * place / length))

    def prune_at(self, iteration: int) -> float | None:
        """The keep ratio of the round that happens before this iteration, if any."""
        return dict(self.rounds).get(iteration)

    def phase_at(self, iteration: int) -> Phase | None:
        """The phase that begins with this iteration, if one does."""
        if self.scoring:
            begins: dict[int, Phase] = {0: "selecting", self.scoring: "fine-tuning"}
        elif self.gathers:
            begins = {
                0: "warming up" if self.first_keep == 1.0 else "pruning",
                self.rounds[0][0]: "pruning",
                self.rounds[-1][0]: "fine-tuning",
            }
        else:
            begins = {0: "fine-tuning"}
        return begins.get(iteration)

    def evaluate_at(self, iteration: int) -> bool:
        """Whether to look at the validation split after this many iterations."""
        return iteration == self.iterations or iteration % max(1, -(-self.iterations // EVALUATIONS)) == 0


def schedule_of(config: RunConfig) -> Schedule:
    """The schedule of a run. Raises BadValueError where a method cannot work with so few iterations."""
    when, total = METHODS[config.method].when, config.iterations
    if when == "after scoring":
        if total < 1:
            raise BadValueError(
                f"{METHODS[config.method].title} scores channels on at least 1 iteration: give it more than 0."
            )
        scoring = max(1, min(SCORING_MOST, int(total * SCORING_SHARE)))
        return Schedule(total, ((scoring, config.keep),), scoring)
    if METHODS[config.method].needs_zoo and config.dynamic:
        if total < VOTES:
            raise BadValueError(f"Dynamic voting votes {VOTES} times: give it at least {VOTES} iterations.")
        rounds = spread(0, max(VOTES, round(total * VOTES_END)), VOTES, config.keep)
        return Schedule(total, rounds[1:], gathers=True, first_keep=rounds[0][1])
    if when == "during training":
        if total < 3:
            raise BadValueError(
                f"{METHODS[config.method].title} prunes in rounds: give it at least 3 iterations, 240 is usual."
            )
        first, last = max(1, round(total * WARM_UP)), round(total * ROUNDS_END)
        count = max(1, min(ROUNDS, last - first))  # so that no two rounds fall on one iteration
        return Schedule(total, spread(first, last, count, config.keep), gathers=True, first_keep=1.0)
    return Schedule(total, first_keep=config.keep)


def spread(first: int, last: int, count: int, keep: float) -> tuple[tuple[int, float], ...]:
    """`count` rounds evenly between two iterations, each keeping the same share of what the last one left."""
    places = [first + round(r * (last - first) / count) for r in range(count)]
    return tuple((place, keep ** ((r + 1) / count)) for r, place in enumerate(places))
