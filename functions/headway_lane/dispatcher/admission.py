"""Admission of calls (hop 4): where a contract limits jobs in flight, no more are started than soon find room.

The in-flight permit itself is the caller's, from the socket on (`limiter.core.calling`). Here nothing is taken: who
holds one is read, and those that were started and hold none yet are counted beside them. A few more than there is room
for are let through, so that the next call stands ready when a job ends.
"""

from collections.abc import Callable
from typing import Final, Protocol

from headway_lane.contract.timing import TURN_PATIENCE_S
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.core.calling import FULL_REQUEUE_S, InFlightFull
from headway_lane.limiter.in_flight import InFlight

POLL_US: Final = 100_000
"""How often a dispatcher looks whether one is free again: one read of the store."""
ADMISSION_PATIENCE_US: Final = TURN_PATIENCE_S * 1_000_000
"""How long a batch waits for room, all of its calls together: that much its dispatcher's timeout leaves."""
STARTING_US: Final = 3_000_000
"""A call that was started so long ago and holds no in-flight permit does not count any more: it went another way."""
LEAST_READY_COUNT: Final = 2
READY_SHARE: Final = 10
"""One of so many in-flight permits, and LEAST_READY_COUNT at least, has a call that stands ready for it, from each
dispatcher: jobs of two seconds free 15 of 30 a second, and a call takes a third of a second to get there.
"""


class Admission(Protocol):
    """Admits the calls of a batch. `full_count` says how many of them found the limit reached."""

    full_count: int

    def admit(self, call_id: str) -> None:
        """Return when the call may be started. Raises InFlightFull."""
        ...


class Unlimited:
    """Calls of vendors that take as many jobs as there are."""

    full_count = 0

    def admit(self, call_id: str) -> None:
        """Return at once."""


UNLIMITED: Final = Unlimited()


def admit_all(vendor: Vendor) -> Admission:
    """Admit everybody."""
    del vendor
    return UNLIMITED


class Starting:
    """The calls that a worker has started and that may hold no in-flight permit yet."""

    def __init__(self, epoch_us: Callable[[], int]) -> None:
        self._epoch_us = epoch_us
        self._since_us: dict[str, int] = {}

    def add(self, call_id: str) -> None:
        """Count a call that is about to be started."""
        self._since_us[call_id] = self._epoch_us()

    def beside(self, holders: frozenset[str]) -> int:
        """Return how many have been started lately beside those that hold one."""
        oldest_us = self._epoch_us() - STARTING_US
        self._since_us = {
            call_id: since_us
            for call_id, since_us in self._since_us.items()
            if since_us > oldest_us and call_id not in holders
        }
        return len(self._since_us)


class BatchAdmission:
    """Lets the calls of a batch through while there is room."""

    def __init__(self, in_flight: InFlight, starting: Starting, sleep_us: Callable[[int], None]) -> None:
        self._in_flight = in_flight
        self._starting = starting
        self._sleep_us = sleep_us
        self._patience_us = ADMISSION_PATIENCE_US
        self.full_count = 0

    def admit(self, call_id: str) -> None:
        """Wait for room for as long as the batch has patience; without any it looks once more."""
        found_full = False
        limit_count = self._in_flight.limit
        limit_count += max(LEAST_READY_COUNT, limit_count // READY_SHARE)
        while True:
            holders = self._in_flight.holders()
            if call_id in holders or len(holders) + self._starting.beside(holders) < limit_count:
                self._starting.add(call_id)
                return
            self.full_count += not found_full
            found_full = True
            if self._patience_us <= 0:
                raise InFlightFull("all in-flight permits of the vendor are taken", retry_after_s=FULL_REQUEUE_S)
            self._sleep_us(POLL_US)
            self._patience_us -= POLL_US


def admission_of(
    in_flight_of: Callable[[Vendor], InFlight | None], epoch_us: Callable[[], int], sleep_us: Callable[[int], None]
) -> Callable[[Vendor], Admission]:
    """Return what admits the calls of a worker's batches, one after the other."""
    starting = Starting(epoch_us)

    def admission(vendor: Vendor) -> Admission:
        in_flight = in_flight_of(vendor)
        return UNLIMITED if in_flight is None else BatchAdmission(in_flight, starting, sleep_us)

    return admission
