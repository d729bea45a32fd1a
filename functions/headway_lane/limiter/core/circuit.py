"""The circuit of one budget (hop 4): a vendor that fails again and again gets probes only. Arithmetic, no clock.

Closed: everybody calls. After failures of THRESHOLD calls in a row it opens: nobody calls for a period, and from then
on (half open) one probe per period. A probe that fails opens it anew for twice as long; one that succeeds closes it.

One call counts once, however often it is repeated: a payload that always fails says nothing of the vendor.

Failures are 5xx, timeouts and missing connections. A 429 is neither failure nor success: the vendor is well, and
cool-downs by itself.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

THRESHOLD: Final = 5
"""Failures in a row that open it. A vendor that fails one call in ten does so every 100,000 calls; one that is down, at
once.
"""
OPEN_US: Final = 5_000_000
"""First period: longer than a vendor's restart of one process or a failover, short beside what a call may wait."""
LONGEST_OPEN_US: Final = 300_000_000
"""Longest period: so long after a vendor's recovery calls may still wait. A vendor that is down for an hour gets about
20 calls.
"""


class CircuitState(StrEnum):
    """What an operator sees."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Circuit:
    """Failures in a row, the period between two probes (0 while it is closed), when the first of them may leave, and
    the calls that failed while it was closed.
    """

    failure_count: int = 0
    period_us: int = 0
    resume_us: int = 0
    failed: tuple[str, ...] = ()

    @property
    def closed(self) -> bool:
        """Return whether everybody may call."""
        return self.period_us == 0

    def state(self, now_us: int) -> CircuitState:
        """Return how it stands: open until its first probe may leave."""
        if self.closed:
            return CircuitState.CLOSED
        return CircuitState.OPEN if now_us < self.resume_us else CircuitState.HALF_OPEN


CLOSED: Final = Circuit()
"""The circuit of a vendor that has not failed since it last answered."""


def after_failure(before: Circuit, call: str, left_us: int, now_us: int) -> Circuit:
    """Count a failure of a `call` that left at `left_us`. While it is open only probes count: what left before says
    nothing that opening it has not said.
    """
    count = before.failure_count + 1
    if before.closed:
        failed = before.failed if call in before.failed else (*before.failed, call)
        opens = len(failed) >= THRESHOLD
        return Circuit(count, OPEN_US, now_us + OPEN_US) if opens else Circuit(count, failed=failed)
    if left_us < before.resume_us:
        return before
    period_us = min(2 * before.period_us, LONGEST_OPEN_US)
    return Circuit(count, period_us, now_us + period_us)


def after_success(before: Circuit, left_us: int) -> Circuit:
    """Forget all failures: the vendor answers. While it is open only a probe proves that."""
    return CLOSED if before.closed or left_us >= before.resume_us else before
