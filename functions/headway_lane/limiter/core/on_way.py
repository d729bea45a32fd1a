"""Calls that are on their way to reserve for themselves (hop 4), where nothing is reserved ahead for them. Arithmetic.

A dispatcher starts calls faster than callers may come to work: beyond what the account, or a laptop, runs at one time
they wait, are throttled, and end as nobody's. So no more are on their way than permits were given within the last
second, and LEAST_COUNT: that doubles while they come, and follows what the machine can do.
"""

from dataclasses import dataclass, replace
from typing import Final

LEAST_COUNT: Final = 10
"""So many may always be on their way, of all dispatchers together: a batch."""
SPAN_US: Final = 1_000_000
"""The time in which permits are counted that were given."""
FORGET_US: Final = 10_000_000
"""A call that has not come by then went another way: it ended, or was somebody else's."""
SPARSE_SHARE: Final = 2
"""Where less than one of so many permits of a contract is given, its calls are few, or more than the machine can do."""


@dataclass(frozen=True, slots=True)
class OnWay:
    """How many are on their way, since when, and how many permits were given in the last whole span; `given_count`
    counts those of the span that began at `span_us`.
    """

    count: int = 0
    at_us: int = 0
    span_us: int = 0
    given_count: int = 0
    last_count: int = 0

    def recent_count(self, now_us: int) -> int:
        """Return how many permits were given lately, in a span."""
        rolled = self._rolled(now_us)
        return max(rolled.last_count, rolled.given_count)

    def sparse(self, now_us: int, interval_us: int) -> bool:
        """Return whether the permits of a contract, one each interval, are used by half at most."""
        return self.recent_count(now_us) * interval_us * SPARSE_SHARE <= SPAN_US

    def room(self, now_us: int, slots_count: int) -> int:
        """Return how many more may be started, where so many find a slot soon."""
        return max(0, min(LEAST_COUNT + self.recent_count(now_us), slots_count) - self.left(now_us))

    def left(self, now_us: int) -> int:
        """Return how many are on their way; those that do not come are forgotten little by little."""
        passed_us = max(0, now_us - self.at_us)
        return self.count * max(0, FORGET_US - passed_us) // FORGET_US

    def started(self, count: int, now_us: int) -> "OnWay":
        """Count calls that are about to be started."""
        return replace(self._rolled(now_us), count=self.left(now_us) + count, at_us=now_us)

    def given(self, count: int, now_us: int, *, came: bool) -> "OnWay":
        """Count permits that are given, and that a call `came` for its own."""
        rolled = self._rolled(now_us)
        return replace(rolled, count=max(0, rolled.count - came), given_count=rolled.given_count + count)

    def _rolled(self, now_us: int) -> "OnWay":
        passed_us = now_us - self.span_us
        if passed_us < SPAN_US:
            return self
        last_count = self.given_count if passed_us < 2 * SPAN_US else 0
        return replace(self, span_us=now_us, given_count=0, last_count=last_count)


NOBODY: Final = OnWay()
