"""How much of an architecture's trunk a checkpoint fills, and how much it has to fill. Torch-free."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from core.numbers import counted, percent

LEAST_FILLED = 0.5  # of the trunk's entries and of its parameters: with less, most of the network would be random


@dataclass(frozen=True)
class Filling:
    """The entries and parameters of a trunk that a checkpoint filled, of how many; parameters None if not recorded."""

    entries: int
    of_entries: int
    params: int | None = None
    of_params: int | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing of the trunk was left to be drawn at random."""
        return self.entries == self.of_entries

    @property
    def share(self) -> float:
        """The share of the parameters that was filled; of the entries if parameters were not recorded."""
        filled, wanted = (self.entries, self.of_entries) if not self.of_params else (self.params or 0, self.of_params)
        return filled / wanted if wanted else 0.0

    @property
    def words(self) -> str:
        """ "77 of 100 entries and 56.1 % of the parameters"."""
        entries = f"{self.entries} of {self.of_entries} entries"
        return f"{entries} and {percent(self.share, 1)} of the parameters" if self.of_params else entries

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def filling_of(about: Mapping[str, Any]) -> Filling | None:
    """How much of a backbone its checkpoint filled, by what its file says; None for one that says nothing of it.

    Files that earlier versions wrote count entries alone.
    """
    recorded = about.get("coverage")
    if not isinstance(recorded, Mapping) or not {"filled", "wanted"} <= set(recorded):
        return None
    return Filling(recorded["filled"], recorded["wanted"], recorded.get("params_filled"), recorded.get("params"))


def weights_words(source: str, about: Mapping[str, Any]) -> str:
    """How a backbone's weights came about, in a few words: "supervised weights", and what of them is random."""
    found = filling_of(about)
    if found is None or found.complete:
        return f"{source} weights" + (" (untrained)" if about.get("untrained") else "")
    drawn = len(about.get("drawn_at_random", ()))
    rest = f", {counted(drawn, 'entry', 'entries')} drawn at random" if drawn else ""
    return f"{source} weights ({found.words} filled{rest})"


@dataclass(frozen=True)
class Coverage:
    """How a file fits an architecture: every key of the trunk is filled, missing, of another shape, or constant.

    place: where the state dict was, "" for the file itself. prefix: before the trunk's keys. wanted, filled: entries of
    the trunk, BatchNorm's counters of batches left out, as nothing reads them. params, params_filled: parameters in
    these. missing, reshaped, unexpected: keys without the prefix; those unexpected are where the trunk is, but no part
    of it. constant: weights that hold one value throughout, which no training leaves; they do not count as filled.
    dropped: number of entries of the head and of what training needs beside the trunk, by the first part of their keys.
    others: of all the rest.
    """

    layout: str
    title: str
    architecture: str
    place: str
    prefix: str
    wanted: int
    filled: int
    params: int
    params_filled: int
    missing: tuple[str, ...] = ()
    reshaped: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    others: Mapping[str, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the whole trunk is filled by what is there, and all that is there belongs to it."""
        return not (self.missing or self.reshaped or self.unexpected)

    @property
    def filling(self) -> Filling:
        """How much is filled."""
        return Filling(self.filled, self.wanted, self.params_filled, self.params)

    @property
    def shortfall(self) -> str:
        """Why too little is filled for a backbone, in a few words; "" if it is enough.

        In a file of another network some entries have a name and a shape of this one by chance: unless the trunk is
        full, most of what is in its place has to belong to it.
        """
        if self.filled < LEAST_FILLED * self.wanted or self.params_filled < LEAST_FILLED * self.params:
            return f"at least {percent(LEAST_FILLED)} of each is required"
        there = self.filled + len(self.reshaped) + len(self.unexpected)
        if self.filled < self.wanted and self.filled < LEAST_FILLED * there:
            return f"likely a chance match, as only {self.filled} of {there} entries found there belong to it"
        return ""

    @property
    def sentence(self) -> str:
        """How much is filled, and what is not, in a few words."""
        parts = [f"{self.filling.words} filled"]
        for words, keys in (
            ("missing", self.missing), ("of another shape", self.reshaped), ("unexpected", self.unexpected),
            ("constant", self.constant),
        ):  # fmt: skip
            if keys:
                more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
                parts.append(f"{words}: {keys[0]}{more}")
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"complete": self.complete}
