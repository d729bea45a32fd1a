"""How many lines may be started now, for one queue of a lane (docs/adr/0019-what-waits.md). Pure.

In: the contract, which of our calls wait, what all together wait in the queue. Out: a count.

A call waits from the start of its execution until the vendor has it. No more wait than the soft limit, whoever asked
for them; and of ours no more than the lane took of ours in half of the tolerated wait. By Little's law a call then
waits for about half of what it may, whatever the pace turns out to be: below the contract because of a tuning, a
cool-down, other tenants or jobs in flight.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from headway_lane.contract.dispatch import Trigger
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor

RAMP_S: Final = 2.0
"""What is started before anything was taken, in seconds of the contract."""
PATIENCE_SHARE: Final = 0.5
"""Of the tolerated wait; the rest is for what comes in between."""
START_SPEED: Final = 2.0
"""Lines are started at so many times the contract's rate. All at once they would take the processor, or the account's
quotas, from calls whose slots are now; as fast as that a queue that ran low is full again as soon as is of use.
"""
LONGEST_ROUND_S: Final = 0.3
"""What is owed for a round is no more than that of so long a one: after a pause nothing is made up for."""


class QueueName(NamedTuple):
    """One of a lane's request queues."""

    vendor: str
    urgent: bool


@dataclass(frozen=True, slots=True)
class RoomRule:
    """`limit_count` is the soft limit, `seed_count` what may wait before anything was taken, `span_s` the time over
    which is counted what was taken; `starts_per_s` how fast lines are started at most; `jobs_in_flight` as the contract
    sells them.
    """

    limit_count: int
    seed_count: int
    span_s: float
    starts_per_s: float = math.inf
    jobs_in_flight: int | None = None

    @classmethod
    def of(cls, vendor: Vendor, *, urgent: bool) -> Self:
        """Draw the rule from a contract; a queue that a schedule drains is filled for the next drain."""
        dispatch, tolerated_s = vendor.dispatch, vendor.waits.tolerated_s
        limit_count = max(1, vendor.urgent_limit_count if urgent else vendor.soft_limit_count)
        ahead_s = dispatch.interval_minutes * 60 if dispatch.trigger is Trigger.SCHEDULE else RAMP_S
        seed_count = math.ceil(limit_count * ahead_s / tolerated_s)
        return cls(
            limit_count,
            min(limit_count, seed_count),
            PATIENCE_SHARE * tolerated_s,
            START_SPEED * vendor.burst_rps(Scope.SUBMIT),
            vendor.jobs_in_flight,
        )

    def room_count(self, waiting_count: int, others_count: int, taken_count: int, at_vendor_count: int = 0) -> int:
        """Return how many calls more may wait, where so many of ours and of others do, and the lane took so many of
        ours in `span_s`. Where jobs in flight are limited, ours that are at the vendor leave the rest of them free.
        """
        seed_count = self.seed_count
        if self.jobs_in_flight is not None:
            seed_count = max(0, min(seed_count, self.jobs_in_flight - at_vendor_count))
        window_count = min(self.limit_count, seed_count + taken_count)
        return max(0, min(window_count - waiting_count, self.limit_count - others_count - waiting_count))

    def round_count(self, round_s: float) -> float:
        """Return how many lines may be started in a round, where the one before began `round_s` ago."""
        return max(1.0, self.starts_per_s * min(round_s, LONGEST_ROUND_S))


@dataclass(slots=True)
class Room:
    """The calls of a run in one queue; `now_s` is the run's clock."""

    rule: RoomRule
    waiting_count: int = 0
    """Ours that were started, or are being started, and were not taken yet."""
    at_vendor_count: int = 0
    """Ours that the vendor has accepted and not answered."""
    others_count: int = 0
    """Calls of others that wait, when the queue was looked at last."""
    _taken: deque[tuple[float, int]] = field(default_factory=deque)
    _taken_count: int = 0
    _round_s: float = -math.inf
    _left_count: float = 0.0

    def begin_round(self, now_s: float) -> None:
        """Begin a round of starts."""
        self._left_count = self.rule.round_count(now_s - self._round_s)
        self._round_s = now_s

    def may_start(self, now_s: float) -> bool:
        """Return whether a line may be started now, in this round."""
        return self._left_count >= 1 and self.room_count(now_s) > 0

    def start(self) -> None:
        """Note that a line is being started."""
        self.waiting_count += 1
        self._left_count -= 1

    def took(self, now_s: float) -> None:
        """Note that the lane took a call of ours."""
        count = self._taken.pop()[1] if self._taken and self._taken[-1][0] == now_s else 0
        self._taken.append((now_s, count + 1))
        self._taken_count += 1

    def look(self, depth_count: int) -> None:
        """Note how many messages the queue holds; what is not ours is of others."""
        self.others_count = max(0, depth_count - self.waiting_count)

    def room_count(self, now_s: float) -> int:
        """Return how many lines may be started now, in this round and in the next ones."""
        while self._taken and self._taken[0][0] <= now_s - self.rule.span_s:
            self._taken_count -= self._taken.popleft()[1]
        return self.rule.room_count(self.waiting_count, self.others_count, self._taken_count, self.at_vendor_count)
