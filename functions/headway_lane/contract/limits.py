"""The limits that a vendor sells, one by one, and what each asks of plain pacing's throttle."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from headway_lane.contract.formula import formula

IN_FLIGHT_LIMIT: Final = 2_000
"""The most jobs in flight that a contract may sell: their in-flight permits are one DynamoDB item of 400 KB, 200 bytes
for each.
"""

LEAST_WINDOW_S: Final = 0.25
"""The shortest window that is kept. A call that broke its headroom holds back the one a window behind it, whose caller
looks LOOK_US before its slot: below this hardly anything is left for the answer to come and be written. What permits
may be late by (`HEADROOM_LIMIT_MS`) fits in, and the usual headroom costs a twentieth of it.
"""

LONG_WINDOW_S: Final = 10
"""From here on permits keep a limit as a quota: a burst may use what a quiet time left over."""

BURST_FACTOR: Final = 8
"""Where only long windows are sold, a burst of permits runs at most this much faster than the average."""

FENCE_BURST_SHARE: Final = 0.2
"""Share of a limit that the proxy's token bucket gives away as burst, where it keeps the limit by itself."""


class Scope(StrEnum):
    """Which calls a limit counts."""

    SUBMIT = "submit"
    POLL = "poll"
    ANY = "any"
    """Both, one by one: a submit and the poll for its result are two calls."""


class Quantity(StrEnum):
    """What a limit of the contract file is about."""

    CALLS = "calls"
    """So many calls of a scope in any window."""
    JOBS_IN_FLIGHT = "jobs_in_flight"
    """So many jobs at one time, from the vendor's acceptance to its last word."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` calls of `scope` in any half-open window of `per_s` seconds."""

    amount: int
    per_s: float
    scope: Scope

    @property
    @formula("amount / per_s")
    def rate_per_s(self) -> float:
        """Calls per second over a long time."""
        return self.amount / self.per_s

    @property
    def is_quota(self) -> bool:
        """Whether permits keep it as a quota: from there on that costs less than even spacing gives away."""
        return self.per_s >= LONG_WINDOW_S

    @property
    def burst_factor(self) -> int:
        """How much faster than over a long time permits may go."""
        return BURST_FACTOR if self.is_quota else 1

    @property
    def burst_rps(self) -> float:
        """Calls per second that permits may go at for a while: they spend a quota as a burst."""
        return self.rate_per_s * self.burst_factor

    @property
    def per_us(self) -> int:
        """The window in microseconds, rounded up as permits have it."""
        return math.ceil(self.per_s * 1_000_000)

    @property
    def burst_amount(self) -> int:
        """Calls in a window at the rate of a burst."""
        return self.amount * self.burst_factor

    @property
    @formula("max(1, floor(amount x burst_share))")
    def fence_burst_count(self) -> int:
        """Burst of a token bucket that keeps this limit alone."""
        return max(1, math.floor(self.amount * FENCE_BURST_SHARE))

    @property
    @formula("max(amount - fence_burst_count, 0.5) / per_s")
    def fence_rps(self) -> float:
        """Steady rate of a token bucket that keeps this limit alone, in calls per second.

        A bucket of rate R and burst B admits up to R x W + B in a window W, so B is taken off the amount.
        """
        return max(self.amount - self.fence_burst_count, 0.5) / self.per_s


def limits_of(limits: tuple[Limit, ...], scope: Scope) -> tuple[Limit, ...]:
    """Return the limits that count the calls of a scope, those of any calls among them; all of them for ANY."""
    return tuple(limit for limit in limits if scope is Scope.ANY or limit.scope in (scope, Scope.ANY))


def max_rps(limits: tuple[Limit, ...], scope: Scope) -> float:
    """Return the calls per second that the tightest limit of a scope allows; infinite where none counts it."""
    return min((limit.rate_per_s for limit in limits_of(limits, scope)), default=math.inf)
