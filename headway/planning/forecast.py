"""How fast the calls of a situation go, what bounds them, and how many workers that takes.

Arithmetic on the rule that the permits are reserved under.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from headway_lane.contract.dispatch import Trigger
from headway_lane.contract.formula import formula
from headway_lane.limiter.core.dispatching import LEAD_US

from headway.planning.bounds import (
    AnswersBound,
    Bound,
    DelayBound,
    JobsInFlightBound,
    QuotaBound,
    ScheduleBound,
    SharedBound,
    SpacingBound,
)
from headway.planning.pacing import PauseNumbers, PermitNumbers, pacing_of, span_us
from headway.planning.situation import Situation

FREED_S: Final = 1.0
"""From the vendor's last word to the next call that is admitted: webhook, queue, callback function, and half a look of
a waiting dispatcher. An estimate, on the safe side.
"""
MAP_LIMIT: Final = 10_000
"""The most that a Distributed Map runs at once (Step Functions Developer Guide, Distributed Map)."""


@dataclass(frozen=True)
class Forecast:
    """The bounds of a situation; the lowest rate and the longest time for the backlog hold."""

    situation: Situation

    @cached_property
    def pacing(self) -> PermitNumbers | PauseNumbers:
        """The numbers of what keeps the pace."""
        return pacing_of(self.situation)

    @cached_property
    def bounds(self) -> Sequence[Bound]:
        """All that bounds the calls, one at least."""
        return [*self._paces(), *self._holders()]

    @property
    def slowest(self) -> Bound:
        """The bound that sets the rate."""
        return min(self.bounds, key=lambda bound: bound.predicted_rps)

    @property
    def longest(self) -> Bound:
        """The bound that sets the time for the backlog."""
        return max(self.bounds, key=lambda bound: bound.backlog_s)

    @cached_property
    def paced(self) -> Bound:
        """The bound that sets the rate where jobs in flight are as many as there are."""
        return min(self._paces(), key=lambda bound: bound.predicted_rps)

    @property
    def paced_rps(self) -> float:
        """Calls per second where jobs in flight are as many as there are."""
        return self.paced.predicted_rps

    @property
    def freed_s(self) -> float:
        """From the vendor's last word to the next call."""
        return FREED_S

    @property
    @formula(
        "turn_s + latency_s + job_s + freed_s",
        when="situation.jobs_in_flight",
        note="how long a job holds its in-flight permit: its turn, the submit, the vendor's work, the way back",
    )
    def held_s(self) -> float:
        """How long a job holds its in-flight permit."""
        return self.pacing.turn_s + self.situation.latency_s + self.situation.job_s + FREED_S

    @property
    @formula("predicted_rps / max_rps")
    def utilisation(self) -> float:
        """Share of the contract that is used under backlog."""
        return self.slowest.predicted_rps / self.situation.max_rps

    @property
    @formula(
        "max(1, min(map_limit, min(soft_limit_count, floor(predicted_rps x tolerated_s))"
        " + floor(predicted_rps x least_job_s)))",
        note="MaxConcurrency of a Distributed Map (Little's law): what may wait, and the jobs at the vendor where"
        " each takes `--job-time` at least",
    )
    def map_concurrency(self) -> int:
        """MaxConcurrency of a Distributed Map, whose executions wait and then are at the vendor. Were jobs taken for
        longer than they are, more calls would wait than may.
        """
        predicted_rps, vendor = self.slowest.predicted_rps, self.situation.vendor
        waiting_count = min(vendor.soft_limit_count, math.floor(predicted_rps * vendor.waits.tolerated_s))
        jobs_count = math.floor(predicted_rps * self.situation.least_job_s)
        return max(1, min(MAP_LIMIT, waiting_count + jobs_count))

    @property
    @formula(
        "ceil(max_rps x (lead_s + latency_s))",
        when="situation.by_permits",
        note="callers at one time (Little's law)",
    )
    @formula(
        "ceil(max_rps x latency_s)",
        when="not situation.by_permits and not situation.vendor.dispatch.direct",
        note="callers at one time (Little's law)",
    )
    def caller_count(self) -> int:
        """Callers at one time; the direct way has none."""
        return math.ceil(self.situation.max_rps * (self.pacing.waited_s + self.situation.latency_s))

    @property
    @formula(
        "batch_size x maximum_concurrency",
        note="calls that dispatchers may hold: whoever comes next waits behind them, whosever they are",
    )
    def batched_count(self) -> int:
        """Calls in the hands of the request queue's dispatchers, which no fair queue can reorder any more."""
        return self.situation.vendor.dispatch.batch_size * self.situation.vendor.dispatch.maximum_concurrency

    @property
    def batched_s(self) -> float:
        """How long they take."""
        return self.batched_count / self.paced_rps

    @property
    @formula(
        "batch_size x dispatchers_count / paced_rps",
        when="situation.by_permits",
        note="how long a batch occupies its dispatcher, under backlog in both queues",
    )
    @formula(
        "batch_size x maximum_concurrency / paced_rps",
        when="not situation.by_permits",
        note="how long a batch occupies its dispatcher, under backlog",
    )
    def batch_hold_at_pace_s(self) -> float:
        """How long a batch occupies its dispatcher; plain pacing predicts the rate of the normal dispatchers alone."""
        dispatch = self.situation.vendor.dispatch
        sharing_count = dispatch.dispatchers_count if self.situation.by_permits else dispatch.maximum_concurrency
        return dispatch.batch_size * sharing_count / self.paced_rps

    @property
    def capped_after_s(self) -> float | None:
        """How long the cap of a day lasts under backlog, in seconds; None without a cap."""
        amount = self.situation.tuning.day_amount
        return None if amount is None else amount / self.slowest.predicted_rps

    @property
    def least_wait_s(self) -> float:
        """How long a call may wait though nothing is wrong: for its window and batch, the interval, or its lead."""
        dispatch = self.situation.vendor.dispatch
        if dispatch.trigger is Trigger.SCHEDULE:
            return dispatch.interval_minutes * 60
        return dispatch.batching_window_s + max(self.pacing.waited_s, self.batch_hold_at_pace_s)

    def _paces(self) -> Sequence[Bound]:
        situation = self.situation
        dispatch = situation.vendor.dispatch
        paces = [*self._permits()] if isinstance(self.pacing, PermitNumbers) else [self._pauses(self.pacing)]
        if situation.vendor.shares:
            reserved_rps = min(bound.predicted_rps for bound in paces)
            reserved_backlog_s = max(bound.backlog_s for bound in paces)
            paces.append(SharedBound(reserved_rps, reserved_backlog_s, situation.vendor.calls_per_job_count))
        if dispatch.trigger is Trigger.SCHEDULE:
            batch = dispatch.batch_size, dispatch.interval_minutes
            paces.append(ScheduleBound(situation.backlog_count, *batch, situation.latency_us))
        return paces

    def _permits(self) -> Iterator[Bound]:
        situation, rule = self.situation, self.situation.rule
        count, around_us = situation.backlog_count, (LEAD_US, situation.latency_us)
        yield SpacingBound(count, rule.emission_interval_us, *around_us)
        for quota in rule.quotas:
            yield QuotaBound(count, rule.emission_interval_us, *around_us, quota.amount, span_us(quota))
        if situation.floors_every_call:
            for window in rule.windows:
                yield AnswersBound(count, *around_us, window.amount, window.per_us)

    def _pauses(self, pacing: PauseNumbers) -> Bound:
        situation = self.situation
        concurrency = situation.vendor.dispatch.maximum_concurrency
        return DelayBound(situation.backlog_count, concurrency, pacing.pause_us, situation.latency_us)

    def _holders(self) -> Iterator[Bound]:
        situation = self.situation
        jobs = situation.jobs_in_flight
        if jobs is not None:
            around_s = self.held_s, self.pacing.turn_s, situation.latency_s
            yield JobsInFlightBound(situation.backlog_count, jobs, *around_s)
