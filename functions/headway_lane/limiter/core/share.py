"""Whose turn it is to reserve (hop 4), where two queues share one budget: pure arithmetic on permit numbers, nothing
kept.

Of every `cycle_count` permits some are one queue's and the rest the other's. Whoever would reserve out of the other's
part leaves it a moment to reserve first; where the other does not, it asks for nothing, and its part is free to take.
"""

from dataclasses import dataclass
from math import gcd
from typing import Final, Self

DEFER_US: Final = 40_000
"""That moment: dispatchers that wait for the same slot wake within milliseconds, and one write takes about ten."""


@dataclass(frozen=True, slots=True)
class Share:
    """The permits of one queue: `own_count` of every `cycle_count`, from the number `first` on."""

    cycle_count: int
    first: int
    own_count: int

    @classmethod
    def of_queue(cls, urgent: bool, urgent_weight: int, normal_weight: int, chunk_count: int) -> Self:
        """Share a budget by weight, in turns of whole chunks: `chunk_count` permits are reserved in one go."""
        common = gcd(urgent_weight, normal_weight)
        urgent_count, normal_count = (weight // common * chunk_count for weight in (urgent_weight, normal_weight))
        first, own_count = (0, urgent_count) if urgent else (urgent_count, normal_count)
        return cls(urgent_count + normal_count, first, own_count)

    def defer_us(self, number: int) -> int:
        """Return how long to leave the permit `number` to others: nothing where it is one's own."""
        return 0 if (number - self.first) % self.cycle_count < self.own_count else DEFER_US


UNSHARED: Final = Share(cycle_count=1, first=0, own_count=1)
"""The share of whoever has a budget's queues for itself."""
