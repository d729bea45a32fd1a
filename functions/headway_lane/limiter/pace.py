"""When each call of a batch is started (hop 4), for either way of pacing."""

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import Final, Protocol

from headway_lane.contract.limits import Scope
from headway_lane.contract.timing import MARGIN_S
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.budget import Budget, Contended
from headway_lane.limiter.delay import Pacer, pause_us
from headway_lane.limiter.reservations import Permit
from headway_lane.limiter.share import UNSHARED, Share
from headway_lane.limiter.turn import PATIENCE_US
from headway_lane.runtime.errors import RetryLater

LEAD_US: Final = 500_000
"""How long before its slot a call is started: Express start, caller, ledger, and a worker's wake-up fit in."""
HORIZON_US: Final = 600_000
"""How long before the first free slot permits are reserved: the lead, and the write with its races."""
CHUNK_US: Final = 500_000
"""How much time one reservation may cover: half a second is a batch of ten at 20 calls a second, and a share of the
reservations that another dispatcher can wait for.
"""


Turns = Generator[Permit | None]
"""Yields once per call, when it is time to start it; closing it gives back what was not used."""


class Pace(Protocol):
    """Gives the calls of a batch their turns."""

    def turns(self, vendor: Vendor, tuning: Tuning, count: int, urgent: bool | None = None) -> Turns:
        """Yield once per call, when it is time to start it; with its permit where the vendor is paced by permits.

        `urgent` says which queue the calls are from; None where one dispatcher serves both.
        """
        ...


class DelayPace:
    """The plain way: a pause before every call."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer

    def turns(self, vendor: Vendor, tuning: Tuning, count: int, urgent: bool | None = None) -> Turns:
        """Yield after each pause, which has room for the dispatchers of both queues."""
        del urgent
        pause = pause_us(tuning, vendor.max_rps(Scope.SUBMIT), vendor.dispatch.dispatchers_count)
        for _ in range(count):
            self._pacer.wait(pause)
            yield None


class PermitPace:
    """Shared permits: reserved in few writes, just ahead of time; each call is started its lead before its slot."""

    def __init__(
        self,
        budget_of: Callable[[Vendor, Tuning], Budget | None],
        epoch_us: Callable[[], int],
        sleep_us: Callable[[int], None],
    ) -> None:
        self._budget_of = budget_of
        self._epoch_us = epoch_us
        self._sleep_us = sleep_us

    def turns(self, vendor: Vendor, tuning: Tuning, count: int, urgent: bool | None = None) -> Turns:
        """Yield each permit when its lead begins; those that were not asked for go back.

        Raises RetryLater where the next slot is far away, or where waiting would outlast the dispatcher: cool-downs,
        probes of a failing vendor and a low rate must not cost a message its receive.
        """
        budget = self._budget_of(vendor, tuning)
        if budget is None:
            raise ValueError(f"{vendor.name} has no limit on submits: its contract should have been refused")
        chunk = max(1, CHUNK_US // budget.rule.emission_interval_us)
        weights = vendor.dispatch.urgent_concurrency, vendor.dispatch.maximum_concurrency
        share = UNSHARED if urgent is None else Share.of_queue(urgent, *weights, chunk)
        patient_until_us = self._epoch_us() + (vendor.dispatcher_timeout_s - MARGIN_S) * 1_000_000 + PATIENCE_US
        permits: Sequence[Permit] = ()
        used = 0
        try:
            for _ in range(count):
                if used == len(permits):
                    permits, used = self._reserve(budget, min(chunk, count), share, patient_until_us), 0
                    count -= len(permits)
                permit = permits[used]
                self._sleep_until(permit.slot_us - LEAD_US)
                used += 1
                yield permit
        finally:
            with suppress(Contended):  # then they stay as gaps, which break nothing
                budget.cancel(permits[used:])

    def _reserve(self, budget: Budget, count: int, share: Share, patient_until_us: int) -> Sequence[Permit]:
        """Reserve when the first free slot comes within the lead; others who wait for the same one may be first."""
        while not (permits := budget.reserve(count, LEAD_US, HORIZON_US, share)):
            at_us = budget.reservable_us(HORIZON_US, share)
            ahead_us = at_us - self._epoch_us()
            if ahead_us > PATIENCE_US or at_us > patient_until_us:
                ahead_us = budget.ask_again_us() - HORIZON_US - self._epoch_us()
                raise RetryLater("the next free slot is far away", retry_after_s=max(ahead_us, 0) / 1_000_000)
            self._sleep_until(at_us)
        return permits

    def _sleep_until(self, at_us: int) -> None:
        ahead_us = at_us - self._epoch_us()
        if ahead_us > 0:
            self._sleep_us(ahead_us)
