"""The proxy's throttle (hop 5): a token bucket that bounds broken assumptions, and never refuses who holds a permit.

Slots lie T apart at least, and a call arrives in [slot, slot + H), H being the headroom. So n + 1 arrivals take longer
than n x T - H, and a bucket of rate R and burst B, which starts full, admits them where n + 1 <= B + R x (n x T - H).
With R of 1 / T or more that is hardest for n = B, the least that the burst alone does not admit, and holds for a B of
(1 / R + H) / T or more. R is the rate of bursts: N / W of a window kept by spacing, for which T is (W + H) / N and B
comes to 1 + (N - 1) x H / (W + H); 1 / T of a quota, for which B comes to 1 + R x H. Neither is less for more headroom.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Self

from headway_lane.contract.formula import formula
from headway_lane.contract.limits import Limit

HEADROOM_LIMIT_MS: Final = 250
"""The longest headroom that a tuning may set (`tuning.schema.json`), and the one that the throttle allows for: that one
stands in the template, the headroom is the operator's at run time. As long as the least window; of 20 a second it makes
a burst of 5.
"""
HEADROOM_LIMIT_US: Final = HEADROOM_LIMIT_MS * 1_000


@dataclass(frozen=True, slots=True)
class Fence:
    """A token bucket of API Gateway: steady rate in calls per second, and burst."""

    rate_per_s: float
    burst_count: int


UNCOUNTED: Final = Fence(rate_per_s=10_000, burst_count=5_000)
"""Throttle of polls that no limit counts: the account's own (service quotas), not the stage's, which is for submits."""


@dataclass(frozen=True, slots=True)
class PermitsFence:
    """The throttle behind permits: `bursting` is the limit whose bursts are the slowest, `spacing` the one that keeps
    slots furthest apart under the longest headroom.
    """

    bursting: Limit
    spacing: Limit

    @classmethod
    def of(cls, limits: Sequence[Limit]) -> Self:
        """Draw it from limits that all hold, one at least."""
        return cls(
            bursting=min(limits, key=lambda limit: limit.burst_rps),
            spacing=max(limits, key=lambda limit: Fraction(spaced_us(limit), limit.burst_amount)),
        )

    @property
    def amount(self) -> int:
        """Calls of the limit that sets the rate."""
        return self.bursting.amount

    @property
    def per_s(self) -> float:
        """Its window."""
        return self.bursting.per_s

    @property
    def factor(self) -> int:
        """How much faster its bursts are."""
        return self.bursting.burst_factor

    @property
    def calls(self) -> int:
        """Calls of its bursts in its window."""
        return self.bursting.burst_amount

    @property
    def per_us(self) -> int:
        """Its window in microseconds."""
        return self.bursting.per_us

    @property
    def spaced_calls(self) -> int:
        """Slots in `spaced_us`."""
        return self.spacing.burst_amount

    @property
    def spaced_us(self) -> int:
        """What the slots of the limit that sets their distance are spread over."""
        return spaced_us(self.spacing)

    @property
    @formula("factor x amount / per_s")
    def rate_per_s(self) -> float:
        """Calls per second that permits may go at for a while: those of the slowest burst."""
        return self.bursting.burst_rps

    @property
    @formula("ceil((per_us + headroom_limit_us x calls) x spaced_calls / (calls x spaced_us))")
    def burst_count(self) -> int:
        """The least burst that admits whatever permits may come to: (1 / R + H) / T, whole numbers only."""
        over = (self.per_us + HEADROOM_LIMIT_US * self.calls) * self.spaced_calls
        return -(-over // (self.calls * self.spaced_us))


def spaced_us(limit: Limit) -> int:
    """Return what permits spread the calls of a limit over: its window, and the headroom where spacing keeps it."""
    return limit.per_us + (0 if limit.is_quota else HEADROOM_LIMIT_US)
