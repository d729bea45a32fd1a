"""How a lane's queue is drained and its calls are paced: the part `dispatch` of a contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Any, Final, Self

from headway_lane.contract.formula import formula

LEAST_CONCURRENCY: Final = 2
"""The least that an event source mapping takes as its maximum concurrency; permits need no more at any rate."""

BATCH_SIZE: Final = 10
"""The most that one receive gives, and a mapping without a batching window: one reservation, one write."""

BATCHES_PER_S: Final = 50
"""Batches of a budget in a second, at most: each is one write to one item, of 10 ms with its races, and callers write
there, too. Simulated: 5,000 calls/s in batches of a hundred use 0.98 of their contract, in batches of ten 0.2.
"""

LARGEST_BATCH_COUNT: Final = 10_000
"""The largest batch of a standard queue's event source mapping (Lambda API, `CreateEventSourceMapping`)."""

LEAST_WINDOW_OF_MANY_S: Final = 1
"""The least batching window where a batch is larger than one receive gives (the same)."""

SCHEDULED_BELOW_RPS: Final = 0.2
"""Below a call per five seconds a polling dispatcher is idle nearly always: a schedule drains the queue instead."""


class Trigger(StrEnum):
    """What empties the request queue."""

    EVENT_SOURCE = "event_source"
    """An SQS event source mapping: the dispatcher runs while there is work."""
    SCHEDULE = "schedule"
    """EventBridge Scheduler: one batch per interval, for contracts below a call per several seconds."""

    @classmethod
    def of(cls, rate_per_s: float) -> Self:
        """Choose what suits a contract of so many calls per second."""
        return cls(cls.SCHEDULE if rate_per_s < SCHEDULED_BELOW_RPS else cls.EVENT_SOURCE)


class Pacing(StrEnum):
    """What keeps the calls of a vendor to its contract."""

    PERMITS = "permits"
    """Shared permits: slots reserved ahead of time, kept by the caller in the last step before the socket."""
    DELAY = "delay"
    """The reference's plain way: a fixed pause in every dispatcher, which do not know of each other."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The reference architecture's five parameters and how the queue is drained. Fixed at deploy time.

    `trigger_is_set` says whether the contract file names the trigger; else it was chosen from the rate.
    """

    trigger: Trigger
    trigger_is_set: bool
    pacing: Pacing
    interval_minutes: int
    batch_size: int
    batching_window_s: int
    maximum_concurrency: int
    urgent_concurrency: int
    reserved_concurrency: int
    provisioned_concurrency: int
    direct: bool

    @classmethod
    def from_document(cls, document: Mapping[str, Any], submits_per_s: float) -> Self:
        """Read the part `dispatch` of a contract document; what it leaves out has a default."""
        maximum_concurrency = document.get("maximum_concurrency", LEAST_CONCURRENCY)
        urgent_concurrency = document.get("urgent_concurrency", LEAST_CONCURRENCY)
        batch_size = document.get("batch_size", usual_batch_size(submits_per_s))
        return cls(
            trigger=Trigger(document.get("trigger") or Trigger.of(submits_per_s)),
            trigger_is_set="trigger" in document,
            pacing=Pacing(document.get("pacing", Pacing.PERMITS)),
            interval_minutes=document.get("interval_minutes", 1),
            batch_size=batch_size,
            batching_window_s=document.get("batching_window_s", least_batching_window_s(batch_size)),
            maximum_concurrency=maximum_concurrency,
            urgent_concurrency=urgent_concurrency,
            reserved_concurrency=document.get("reserved_concurrency", maximum_concurrency + urgent_concurrency),
            provisioned_concurrency=document.get("provisioned_concurrency", 0),
            direct=document.get("direct", False),
        )

    @property
    def by_permits(self) -> bool:
        """Whether shared permits pace the calls."""
        return self.pacing is Pacing.PERMITS

    @property
    @formula("maximum_concurrency + urgent_concurrency", note="at one time, for both queues")
    def dispatchers_count(self) -> int:
        """Dispatchers that may run at once: those of the request queue and, where there is one, of the urgent queue."""
        return self.maximum_concurrency + self.urgent_concurrency


def usual_batch_size(submits_per_s: float) -> int:
    """Return the batch that suits a contract of so many calls per second: ten up to 500."""
    return max(BATCH_SIZE, ceil(min(submits_per_s / BATCHES_PER_S, LARGEST_BATCH_COUNT)))


def least_batching_window_s(batch_size: int) -> int:
    """Return the least window that AWS takes with such a batch."""
    return LEAST_WINDOW_OF_MANY_S if batch_size > BATCH_SIZE else 0
