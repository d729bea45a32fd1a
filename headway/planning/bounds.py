"""What can bound the calls of a lane, each with its rate over a long time and its time for the backlog. Arithmetic.

The fields of a bound are the terms of its formulas. The lowest rate and the longest time hold (`forecast`).
"""

import math
from dataclasses import dataclass
from typing import Final, Protocol

from headway_lane.contract.formula import formula

_UNTIL: Final = "until the last call of the backlog is answered"
_AROUND: Final = "lead_us + latency_us"


class Bound(Protocol):
    """One bound."""

    @property
    def predicted_rps(self) -> float:
        """Calls per second over a long time."""
        ...

    @property
    def backlog_s(self) -> float:
        """Seconds until the last call of the backlog is answered."""
        ...


@dataclass(frozen=True, slots=True)
class SpacingBound:
    """The interval between neighbouring permits."""

    backlog_count: int
    emission_interval_us: int
    lead_us: int
    latency_us: int

    @property
    @formula("1000000 / emission_interval_us", note="bounded by spacing")
    def predicted_rps(self) -> float:
        """One call per interval."""
        return 1_000_000 / self.emission_interval_us

    @property
    @formula(f"((backlog_count - 1) x emission_interval_us + {_AROUND}) / 1000000", note=_UNTIL)
    def backlog_s(self) -> float:
        """An interval between each two calls."""
        spaced_us = (self.backlog_count - 1) * self.emission_interval_us
        return (spaced_us + self.lead_us + self.latency_us) / 1_000_000


@dataclass(frozen=True, slots=True)
class QuotaBound:
    """The permits of a long window: `quota_amount` in any `span_us`."""

    backlog_count: int
    emission_interval_us: int
    lead_us: int
    latency_us: int
    quota_amount: int
    span_us: int

    @property
    @formula("quota_amount / span_us x 1000000", note="bounded by a quota: the window and its grains")
    def predicted_rps(self) -> float:
        """The quota in its window and its grains."""
        return self.quota_amount / self.span_us * 1_000_000

    @property
    def rest_count(self) -> int:
        """Calls of the backlog before the last one that come after the last full quota."""
        return (self.backlog_count - 1) % self.quota_amount

    @property
    @formula(
        "(floor((backlog_count - 1) / quota_amount) x span_us + rest_count x emission_interval_us"
        f" + {_AROUND}) / 1000000",
        note=_UNTIL,
    )
    def backlog_s(self) -> float:
        """Full quotas, each with its pause, and a burst of what is left."""
        paused_us = (self.backlog_count - 1) // self.quota_amount * self.span_us
        burst_us = self.rest_count * self.emission_interval_us
        return (paused_us + burst_us + self.lead_us + self.latency_us) / 1_000_000


@dataclass(frozen=True, slots=True)
class AnswersBound:
    """Floors under every call, because answers that are slower than the headroom count as late arrivals."""

    backlog_count: int
    lead_us: int
    latency_us: int
    window_amount: int
    window_us: int

    @property
    @formula(
        "window_amount / (window_us + latency_us) x 1000000",
        note="bounded by slow answers, each taken for a late arrival",
    )
    def predicted_rps(self) -> float:
        """A window begins with each answer."""
        return self.window_amount / (self.window_us + self.latency_us) * 1_000_000

    @property
    @formula(f"((backlog_count - 1) x (window_us + latency_us) / window_amount + {_AROUND}) / 1000000", note=_UNTIL)
    def backlog_s(self) -> float:
        """A window and a latency for every `window_amount` calls."""
        answered_us = (self.backlog_count - 1) * (self.window_us + self.latency_us) / self.window_amount
        return (answered_us + self.lead_us + self.latency_us) / 1_000_000


@dataclass(frozen=True, slots=True)
class DelayBound:
    """The pause of every dispatcher (plain pacing)."""

    backlog_count: int
    maximum_concurrency: int
    pause_us: int
    latency_us: int

    @property
    @formula("maximum_concurrency x 1000000 / pause_us", note="bounded by the dispatchers' pauses")
    def predicted_rps(self) -> float:
        """One call per pause and dispatcher."""
        return self.maximum_concurrency * 1_000_000 / self.pause_us

    @property
    @formula("(ceil(backlog_count / maximum_concurrency) x pause_us + latency_us) / 1000000", note=_UNTIL)
    def backlog_s(self) -> float:
        """The pauses of the dispatcher with the most calls."""
        return (math.ceil(self.backlog_count / self.maximum_concurrency) * self.pause_us + self.latency_us) / 1_000_000


@dataclass(frozen=True, slots=True)
class ScheduleBound:
    """One batch per interval."""

    backlog_count: int
    batch_size: int
    interval_minutes: int
    latency_us: int

    @property
    @formula("batch_size / (interval_minutes x 60)", note="bounded by the schedule: one batch per interval")
    def predicted_rps(self) -> float:
        """One batch per interval."""
        return self.batch_size / (self.interval_minutes * 60)

    @property
    @formula("ceil(backlog_count / batch_size) x interval_minutes x 60 + latency_us / 1000000", note=_UNTIL)
    def backlog_s(self) -> float:
        """An interval for each batch."""
        batches = math.ceil(self.backlog_count / self.batch_size)
        return batches * self.interval_minutes * 60 + self.latency_us / 1_000_000


@dataclass(frozen=True, slots=True)
class SharedBound:
    """The polls, which are reserved in the same reservations; those alone would give the `reserved_` numbers."""

    reserved_rps: float
    reserved_backlog_s: float
    calls_per_job_count: int

    @property
    @formula(
        "reserved_rps / calls_per_job_count",
        note="bounded by the polls, which are reserved in the same reservations: one for each submit,"
        " two where nobody calls back",
    )
    def predicted_rps(self) -> float:
        """A submit needs room for its polls."""
        return self.reserved_rps / self.calls_per_job_count

    @property
    @formula("calls_per_job_count x reserved_backlog_s", note=_UNTIL)
    def backlog_s(self) -> float:
        """The backlog, and its polls."""
        return self.calls_per_job_count * self.reserved_backlog_s


@dataclass(frozen=True, slots=True)
class JobsInFlightBound:
    """The limit on jobs in flight."""

    backlog_count: int
    jobs_in_flight: int
    held_s: float
    turn_s: float
    latency_s: float

    @property
    @formula("jobs_in_flight / held_s", note="bounded by the jobs in flight")
    def predicted_rps(self) -> float:
        """Every in-flight permit serves one job after the other."""
        return self.jobs_in_flight / self.held_s

    @property
    @formula("floor((backlog_count - 1) / jobs_in_flight) x held_s + turn_s + latency_s", note=_UNTIL)
    def backlog_s(self) -> float:
        """As many full turns as the in-flight permits make, and the submit of the last call."""
        return (self.backlog_count - 1) // self.jobs_in_flight * self.held_s + self.turn_s + self.latency_s
