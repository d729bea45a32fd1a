"""What a lane keeps of its dispatchers: their batches, their writes under way, and who waits for the next slot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from headway_lane.limiter.reservations import Permit

if TYPE_CHECKING:
    from headway.simulation.lane import Lane

REQUEUE_US: Final = 2_000_000
"""What the dispatcher does not wait for comes again after this time: REQUEUE_S of `dispatcher.handler`."""


@dataclass(slots=True, eq=False)
class Write:
    """A change of the reservations under way: what it does, what follows, and the clock and version of its read."""

    offset_us: int
    change: Callable[[], Sequence[Permit] | None]
    then: Callable[[Sequence[Permit]], None]
    fail: Callable[[], None]
    early: Callable[[], None] | None = None
    """For a reservation that waits for its horizon."""
    attempts_count: int = 0
    read_us: int = 0
    version: int = 0


class Dispatcher:
    """A dispatcher with its batch: `fresh` calls to start, `unreserved` messages that it would reserve permits for."""

    __slots__ = ("fresh_count", "offset_us", "reservation", "spare", "unreserved_count")

    def __init__(self, lane: "Lane", offset_us: int) -> None:
        self.offset_us = offset_us
        self.fresh_count = 0
        self.unreserved_count = 0
        self.spare: Sequence[Permit] = ()
        self.reservation = Write(
            offset_us,
            change=partial(lane.reserve, self),
            then=partial(lane.dispatch, self),
            fail=partial(lane.abandon, self, REQUEUE_US),
            early=partial(lane.sleep, self),
        )


@dataclass(slots=True)
class Sleepers:
    """Dispatchers that wait for the same moment, `wake_us` on their own clocks: the fastest clock is woken first.

    Only its waking is an event. When the reservations moves on meanwhile, all of them would wake, read, and sleep
    again.
    """

    wake_us: int = 0
    alarm_us: int = 0
    fastest: list[tuple[int, int, Dispatcher]] = field(default_factory=list)
