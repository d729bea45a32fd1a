"""Admission of a batch's calls (hop 4): an in-flight permit for each, before its permit, so that a wait wastes no slot.

Only vendors whose contract limits jobs in flight have them; for all others nothing is asked and nothing is paid.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from headway_lane.contract.limits import Scope
from headway_lane.contract.timing import TURN_PATIENCE_S
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.in_flight import InFlight
from headway_lane.runtime.errors import RetryLater

ADMIT_AHEAD_US: Final = 250_000
"""How much time one acquiring covers: what waits for its slot longer would only keep an in-flight permit idle."""
POLL_US: Final = 250_000
"""How often a dispatcher looks whether one is free again: one read of the store."""
ADMISSION_PATIENCE_US: Final = TURN_PATIENCE_S * 1_000_000
"""How long a batch waits for room, all of its calls together: that much its dispatcher's timeout leaves."""
FULL_REQUEUE_S: Final = 5.0
"""Delay of a call that found no room: jobs take seconds at least, and others wait in its place meanwhile."""


class Admission(Protocol):
    """Admits the calls of a batch. `full_count` says how many of them found the limit reached."""

    full_count: int

    def admit(self, call_id: str) -> None:
        """Return when the call holds an in-flight permit. Raises RetryLater."""
        ...

    def release(self, call_id: str) -> None:
        """Release what this batch acquired for a call which does not go to the vendor now."""
        ...

    def keep(self, call_id: str) -> None:
        """Let a call keep what another delivery of its message has sent on its way."""
        ...

    def close(self) -> None:
        """Release what was acquired for calls that nobody came to."""
        ...


class Unlimited:
    """Calls of vendors that take as many jobs as there are."""

    full_count = 0

    def admit(self, call_id: str) -> None:
        """Return at once."""

    def release(self, call_id: str) -> None:
        """Do nothing."""

    def keep(self, call_id: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


UNLIMITED: Final = Unlimited()


def admit_all(vendor: Vendor, call_ids: Iterable[str]) -> Admission:
    """Admit everybody."""
    del vendor, call_ids
    return UNLIMITED


class BatchAdmission:
    """Acquires by one write for as many calls as get their slots at once, so that few in-flight permits wait.

    What was held before this batch is never released here: the call may be with the vendor, by another delivery of its
    message.
    """

    def __init__(
        self, in_flight: InFlight, call_ids: Iterable[str], chunk_count: int, sleep_us: Callable[[int], None]
    ) -> None:
        self._in_flight = in_flight
        self._waiting = list(dict.fromkeys(call_ids))
        self._chunk_count = chunk_count
        self._sleep_us = sleep_us
        self._patience_us = ADMISSION_PATIENCE_US
        self._admitted: set[str] = set()
        self._new: set[str] = set()
        self.full_count = 0

    def admit(self, call_id: str) -> None:
        """Wait for room for as long as the batch has patience; without any it looks once more."""
        ahead = [other for other in self._waiting if other != call_id and other not in self._admitted]
        self._waiting = [other for other in self._waiting if other != call_id]
        chunk = [call_id, *ahead][: self._chunk_count]
        found_full = False
        while call_id not in self._admitted:
            taken = self._in_flight.acquire(chunk)
            self._admitted |= taken.holders
            self._new |= taken.new
            if call_id in taken.holders:
                return
            self.full_count += not found_full
            found_full = True
            if self._patience_us <= 0:
                raise RetryLater("all in-flight permits of the vendor are taken", retry_after_s=FULL_REQUEUE_S)
            self._sleep_us(POLL_US)
            self._patience_us -= POLL_US

    def release(self, call_id: str) -> None:
        """Release what this batch acquired."""
        self._admitted.discard(call_id)
        if call_id in self._new:
            self._new.remove(call_id)
            self._in_flight.release(call_id)

    def keep(self, call_id: str) -> None:
        """Never release this one."""
        self._new.discard(call_id)

    def close(self) -> None:
        """Give back what was taken ahead for calls that were not asked for."""
        for call_id in self._waiting:
            self.release(call_id)


def admission_of(
    in_flight_of: Callable[[Vendor], InFlight | None], sleep_us: Callable[[int], None]
) -> Callable[[Vendor, Iterable[str]], Admission]:
    """Return what admits the calls of a batch; nothing is taken before the first call asks."""

    def admission(vendor: Vendor, call_ids: Iterable[str]) -> Admission:
        in_flight = in_flight_of(vendor)
        if in_flight is None:
            return UNLIMITED
        chunk_count = max(1, int(vendor.burst_rps(Scope.SUBMIT) * ADMIT_AHEAD_US // 1_000_000))
        return BatchAdmission(in_flight, call_ids, chunk_count, sleep_us)

    return admission
