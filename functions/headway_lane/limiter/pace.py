"""The pace of a dispatcher (hop 4), for either way of pacing: when each call of its batch is started."""

from collections.abc import Callable, Generator
from typing import Protocol

from headway_lane.contract.limits import Scope
from headway_lane.contract.timing import MARGIN_S
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.calling import PATIENCE_US
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.dispatching import BatchTurns, chunk_count
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.core.share import UNSHARED, Share
from headway_lane.limiter.delay import Pacer, pause_us

Starts = Generator[Permit | None]
"""Yields once per call, when it is time to start it; closing it cancels what was not used."""


def no_starts() -> Starts:
    """Yield nothing: nobody may start."""
    yield from ()


class Pace(Protocol):
    """Gives the calls of a batch their starts."""

    def turns(self, vendor: Vendor, tuning: Tuning, count: int, urgent: bool | None = None) -> Starts:
        """Yield once per call, when it is time to start it; with its permit where the vendor is paced by permits.

        `urgent` says which queue the calls are from; None where one dispatcher serves both.
        """
        ...


class DelayPace:
    """The plain way: a pause before every call."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer

    def turns(self, vendor: Vendor, tuning: Tuning, count: int, urgent: bool | None = None) -> Starts:
        """Yield after each pause, which has room for the dispatchers of both queues."""
        del urgent
        pause = pause_us(tuning, vendor.max_rps(Scope.SUBMIT), vendor.dispatch.dispatchers_count)
        for _ in range(count):
            self._pacer.wait(pause)
            yield None


class PermitPace:
    """Shared permits: the core's turns of a batch, run to their end."""

    def __init__(
        self,
        budget_of: Callable[[Vendor, Tuning], Budget | None],
        epoch_us: Callable[[], int],
        sleep_us: Callable[[int], None],
    ) -> None:
        self._budget_of = budget_of
        self._epoch_us = epoch_us
        self._sleep_us = sleep_us

    def turns(self, vendor: Vendor, tuning: Tuning, count: int, urgent: bool | None = None) -> Starts:
        """Yield each permit when its lead begins. Raises RetryLater, as `BatchTurns.take` says."""
        budget = self._budget_of(vendor, tuning)
        if budget is None:
            raise ValueError(f"{vendor.name} has no limit on submits: its contract should have been refused")
        run = budget.runner(self._epoch_us, self._sleep_us).run
        batch = batch_turns(budget.changes, vendor, count, self._epoch_us, urgent)
        try:
            for _ in range(count):
                yield run(batch.take())
        finally:
            run(batch.close())


def batch_turns(
    changes: Changes, vendor: Vendor, count: int, epoch_us: Callable[[], int], urgent: bool | None = None
) -> BatchTurns:
    """Return the core's turns of a vendor's batch, which end before its dispatcher does."""
    chunk = chunk_count(changes.rule.emission_interval_us)
    weights = vendor.dispatch.urgent_concurrency, vendor.dispatch.maximum_concurrency
    share = UNSHARED if urgent is None else Share.of_queue(urgent, *weights, chunk)
    patient_until_us = epoch_us() + (vendor.dispatcher_timeout_s - MARGIN_S) * 1_000_000 + PATIENCE_US
    return BatchTurns(changes, count, epoch_us, share=share, patient_until_us=patient_until_us)
