"""Playing a recorded run: where it is on the way from its first second to its last. Pure: the clock is passed in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.pruning.events import RecordedEvent

SPEEDS = {"0.25": "¼×", "0.5": "½×", "1": "1×", "2": "2×", "4": "4×", "8": "8×"}
GOOD_LENGTH = 16.0  # seconds that somebody likes to watch


@dataclass(frozen=True)
class Player:
    """A recording `length` seconds long, at `position` when it was last touched, at time `touched`."""

    length: float
    speed: float = 1.0
    position: float = 0.0
    touched: float = 0.0
    playing: bool = True

    def at(self, now: float) -> float:
        """Seconds into the recording."""
        moved = self.speed * max(0.0, now - self.touched) if self.playing else 0.0
        return min(self.length, self.position + moved)

    def ended(self, now: float) -> bool:
        """Whether the last second has been played."""
        return self.at(now) >= self.length

    def play(self, now: float) -> "Player":
        """Play on, or anew where it was at its end."""
        return replace(self, position=0.0 if self.ended(now) else self.at(now), touched=now, playing=True)

    def pause(self, now: float) -> "Player":
        """Stop where it is."""
        return replace(self, position=self.at(now), touched=now, playing=False)

    def seek(self, position: float, now: float) -> "Player":
        """Stop at another place."""
        return replace(self, position=min(max(0.0, position), self.length), touched=now, playing=False)

    def at_speed(self, speed: float, now: float) -> "Player":
        """Go on from here at another speed."""
        return replace(self, position=self.at(now), touched=now, speed=speed)


def length_of(events: Sequence[RecordedEvent]) -> float:
    """Seconds from the start to the last event, rounded up to a tenth: places are chosen by tenths, the end too."""
    return math.ceil(10 * events[-1].seconds) / 10 if events else 0.0


def usual_speed(length: float) -> str:
    """The speed at which a recording takes about as long as somebody likes to watch."""
    return min(SPEEDS, key=lambda speed: abs(length / float(speed) - GOOD_LENGTH))


def until(events: Sequence[RecordedEvent], seconds: float) -> list[RecordedEvent]:
    """The events of the first so many seconds."""
    return [event for event in events if event.seconds <= seconds]
