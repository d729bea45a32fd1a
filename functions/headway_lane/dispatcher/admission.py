"""Seats for the calls of a batch (hop 4), taken before their permits: a wait for a seat wastes no slot.

Only vendors whose contract limits jobs in flight have seats; for all others nothing is asked and nothing is paid.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from headway_lane.contract.vendor import TURN_PATIENCE_S, Scope, Vendor
from headway_lane.limiter.in_flight import Seats
from headway_lane.messages.request import call_id_of
from headway_lane.runtime.errors import RetryLater

CHUNK_US: Final = 250_000
"""How much time one taking of seats covers: what waits for its permit longer would only keep a seat idle."""
POLL_US: Final = 250_000
"""How often a dispatcher looks whether a seat is free again: one read of the store."""
PATIENCE_US: Final = TURN_PATIENCE_S * 1_000_000
"""How long a batch waits for seats, all of its calls together: that much its dispatcher's timeout leaves."""
PUT_BACK_S: Final = 5.0
"""Delay of a call that found no seat: jobs take seconds at least, and others wait in its place meanwhile."""


class Seating(Protocol):
    """Gives the calls of a batch their seats. `full_count` says how many of them found all seats taken."""

    full_count: int

    def take(self, call_id: str) -> None:
        """Return when the call has a seat. Raises RetryLater."""
        ...

    def leave(self, call_id: str) -> None:
        """Give back the seat that this batch took for a call which does not go to the vendor now."""
        ...

    def keep(self, call_id: str) -> None:
        """Let a call have its seat that another delivery of its message has sent on its way."""
        ...

    def close(self) -> None:
        """Give back the seats of calls that nobody came to."""
        ...


class Standing:
    """Calls of vendors that take as many jobs as there are."""

    full_count = 0

    def take(self, call_id: str) -> None:
        """Return at once."""

    def leave(self, call_id: str) -> None:
        """Do nothing."""

    def keep(self, call_id: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


STANDING: Final = Standing()


def no_seats(vendor: Vendor, bodies: Sequence[str]) -> Seating:
    """Seat nobody."""
    del vendor, bodies
    return STANDING


class BatchSeating:
    """Seats by one write for as many calls as get their permits at once, so that few seats wait for their slots.

    A seat that was there before this batch is never given back here: the call may be with the vendor, by another
    delivery of its message.
    """

    def __init__(
        self, seats: Seats, call_ids: Sequence[str], chunk_count: int, sleep_us: Callable[[int], None]
    ) -> None:
        self._seats = seats
        self._waiting = list(dict.fromkeys(call_ids))
        self._chunk_count = chunk_count
        self._sleep_us = sleep_us
        self._patience_us = PATIENCE_US
        self._seated: set[str] = set()
        self._new: set[str] = set()
        self.full_count = 0

    def take(self, call_id: str) -> None:
        """Wait for a seat for as long as the batch has patience; without any it looks once more."""
        ahead = [other for other in self._waiting if other != call_id and other not in self._seated]
        self._waiting = [other for other in self._waiting if other != call_id]
        chunk = [call_id, *ahead][: self._chunk_count]
        found_full = False
        while call_id not in self._seated:
            taken = self._seats.take(chunk)
            self._seated |= taken.seated
            self._new |= taken.new
            if call_id in taken.seated:
                return
            self.full_count += not found_full
            found_full = True
            if self._patience_us <= 0:
                raise RetryLater("all seats of the vendor are taken", retry_after_s=PUT_BACK_S)
            self._sleep_us(POLL_US)
            self._patience_us -= POLL_US

    def leave(self, call_id: str) -> None:
        """Give back a seat that this batch took."""
        self._seated.discard(call_id)
        if call_id in self._new:
            self._new.remove(call_id)
            self._seats.leave(call_id)

    def keep(self, call_id: str) -> None:
        """Never give back this seat."""
        self._new.discard(call_id)

    def close(self) -> None:
        """Give back what was taken ahead for calls that were not asked for."""
        for call_id in self._waiting:
            self.leave(call_id)


def seating_of(
    seats_of: Callable[[Vendor], Seats | None], sleep_us: Callable[[int], None]
) -> Callable[[Vendor, Sequence[str]], Seating]:
    """Return what seats a batch of request messages; nothing is taken before the first call asks."""

    def seating(vendor: Vendor, bodies: Sequence[str]) -> Seating:
        seats = seats_of(vendor)
        if seats is None:
            return STANDING
        call_ids = [call_id for body in bodies if (call_id := call_id_of(body))]
        chunk_count = max(1, int(vendor.burst_rps(Scope.SUBMIT) * CHUNK_US // 1_000_000))
        return BatchSeating(seats, call_ids, chunk_count, sleep_us)

    return seating
