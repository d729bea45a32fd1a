"""The vendor's jobs: accepted (once per idempotency key, where it knows them), worked on for the offered time, ended as
the seed decides.
"""

import asyncio
import json
import random
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from headway.simulator.offer import Offer
from headway.simulator.vendor_report import InFlightReport


class Status(StrEnum):
    """Where a job is; the last three are ends."""

    STARTING = "starting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def final(self) -> bool:
        """Whether the job has ended."""
        return self in {Status.SUCCEEDED, Status.FAILED, Status.CANCELED}


class JobEvent(StrEnum):
    """What a callback may announce."""

    START = "start"
    OUTPUT = "output"
    LOGS = "logs"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Order:
    """What the caller asked for."""

    payload: dict[str, Any]
    version: str
    callback_url: str | None
    events: frozenset[JobEvent]
    base_url: str  # the address under which the caller reached the vendor


@dataclass(slots=True)
class Job:
    """One accepted order."""

    order: Order
    will_fail: bool
    # Random even under a seed: the IDs of two runs must never meet in a caller's ledger.
    job_id: str = field(default_factory=lambda: secrets.token_hex(13))
    status: Status = Status.STARTING
    created_at: datetime = field(default_factory=lambda: datetime.now(tz=UTC))
    started_at: datetime | None = None
    completed_at: datetime | None = None
    logs: str = ""

    def end(self, status: Status) -> None:
        """Bring the job to its end."""
        self.status = status
        self.completed_at = datetime.now(tz=UTC)


RETRY_IN_FLIGHT_S = 1  # said with the 429 for one job too many: nobody knows when one ends
EARLY_CALLBACK_WAIT_S = 5.0  # a receiver that never answers must not hold the submit for ever


class TooManyInFlight(Exception):  # noqa: N818 - says what happened
    """A job more would be over the limit; the vendor answers 429."""


Announce = Callable[[Job, JobEvent], object]


class Jobs:
    """Holds the jobs and works on them."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self.reset()

    def reset(self) -> None:
        """Forget all jobs, and begin the seeded sequence of failures again."""
        self.by_id: dict[str, Job] = {}
        self._in_flight: list[Job] = []
        self._by_idempotency_key: dict[str, Job] = {}
        self._times_submitted: Counter[str] = Counter()
        # Repeatable is the point, and nothing here is secret. Two sequences, so that jitter does not move the failures.
        self._ends = random.Random(self._offer.seed)  # noqa: S311
        self._jitter = random.Random(self._offer.seed)  # noqa: S311
        self.repeated_idempotency_key_count = 0
        self.in_flight = InFlightReport(limit=self._offer.in_flight)

    def accept(self, order: Order, idempotency_key: str | None, *, deduplicates: bool = True) -> tuple[Job, bool]:
        """Return the job of `order`, and whether it is new: a key seen before gives its job again, where the vendor
        deduplicates; else every submit is a job.

        Raises TooManyInFlight where a new job would be one too many in flight.
        """
        known = self.job_of_key(idempotency_key)
        self.repeated_idempotency_key_count += known is not None
        if known is not None and deduplicates:
            return known, False
        self._occupy()
        job = Job(order, will_fail=self._ends.random() < self._offer.fail_ratio)
        self.by_id[job.job_id] = job
        self._in_flight.append(job)
        self._times_submitted[json.dumps(order.payload, sort_keys=True)] += 1
        if idempotency_key is not None:
            self._by_idempotency_key.setdefault(idempotency_key, job)
        return job, True

    def job_of_key(self, idempotency_key: str | None) -> Job | None:
        """Return the first job that was submitted with a key."""
        return None if idempotency_key is None else self._by_idempotency_key.get(idempotency_key)

    def _occupy(self) -> None:
        """Count a job more in flight."""
        self._in_flight = [job for job in self._in_flight if not job.status.final]
        count = 1 + len(self._in_flight)
        limit, known = self._offer.in_flight, self.in_flight
        refused = limit is not None and count > limit
        self.in_flight = InFlightReport(limit, max(known.worst_count, count), known.violation_count + refused)
        if refused:
            raise TooManyInFlight

    def answer_time_s(self) -> float:
        """Draw the time that one answer takes."""
        jitter_s = self._offer.answer_jitter_s
        return self._offer.answer_time_s + (self._jitter.expovariate(1 / jitter_s) if jitter_s else 0.0)

    async def work(self, job: Job, announce: Announce, job_time_s: float) -> None:
        """Take `job` through its life, with a sign of life half way; a cancelled job is left as it is."""
        if job.status.final:
            return
        job.status, job.started_at = Status.PROCESSING, datetime.now(tz=UTC)
        announce(job, JobEvent.START)
        await asyncio.sleep(job_time_s / 2)
        if job.status.final:
            return
        job.logs = "50%\n"
        announce(job, JobEvent.LOGS)
        await asyncio.sleep(job_time_s / 2)
        if job.status.final:
            return
        job.end(Status.FAILED if job.will_fail else Status.SUCCEEDED)
        announce(job, JobEvent.COMPLETED)

    async def finish_early(self, job: Job, announce: Callable[[Job, JobEvent], list[asyncio.Task[None]]]) -> None:
        """Bring `job` to its end at once, and wait for its callbacks, though not for ever."""
        deliveries: list[asyncio.Task[None]] = []
        await self.work(job, lambda job, event: deliveries.extend(announce(job, event)), job_time_s=0)
        if deliveries:
            await asyncio.wait(deliveries, timeout=EARLY_CALLBACK_WAIT_S)

    @property
    def payload_submitted_twice_count(self) -> int:
        """Jobs beyond the first for one payload: work that was paid for again."""
        return sum(self._times_submitted.copy().values()) - len(self._times_submitted)

    def tags(self, name: str) -> list[Any]:
        """Return one field of every job's payload, in the order in which the jobs were accepted; None where it is not.

        Nothing but this field leaves the simulator.
        """
        return [job.order.payload.get(name) for job in list(self.by_id.values())]

    def jobs_by_status(self) -> dict[str, int]:
        """Count the jobs."""
        return dict(Counter(job.status.value for job in list(self.by_id.values())))
