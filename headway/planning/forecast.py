"""How fast the calls of a situation go, and what bounds them. Arithmetic on the rule that the permits are reserved
under.

Every bound gives a rate over a long time and a time for the backlog; the lowest rate and the longest time hold.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from headway_lane.contract.vendor import Drain, Pacing, Scope
from headway_lane.limiter.core.dispatching import LEAD_US
from headway_lane.limiter.core.reservations import Quota, Rule, rule_of
from headway_lane.limiter.delay import pause_us

from headway.planning.situation import Situation

FREED_S: Final = 1.0
"""From the vendor's last word to the next call that is admitted: webhook, queue, callback function, and half a look of
a waiting dispatcher. An estimate, on the safe side.
"""


class Bound(StrEnum):
    """What bounds the rate."""

    SPACING = "spacing"
    """The interval between neighbouring permits."""
    QUOTA = "quota"
    """The permits of a long window."""
    ANSWERS = "answers"
    """Floors under every call, because answers that are slower than the headroom count as late arrivals."""
    DELAY = "delay"
    """The pause of every dispatcher (plain pacing)."""
    SHARED = "shared"
    """The polls, which are reserved in the same reservations."""
    SCHEDULE = "schedule"
    """One batch per interval."""
    JOBS_IN_FLIGHT = "jobs_in_flight"
    """The limit on jobs in flight."""


@dataclass(frozen=True, slots=True)
class Limitation:
    """One bound: calls per second over a long time, seconds for the backlog, and the terms of both formulas."""

    bound: Bound
    rate_per_s: float
    backlog_s: float
    terms: Mapping[str, float]


def limitations(situation: Situation) -> list[Limitation]:
    """Return all that bounds the calls of a situation, one at least."""
    found = [*_by_permits(situation)] if situation.by_permits else [_by_delay(situation)]
    if situation.shares:
        found.append(_by_sharing(found))
    if situation.vendor.dispatch.drain is Drain.SCHEDULE:
        found.append(_by_schedule(situation))
    if situation.vendor.jobs_in_flight is not None:
        found.append(_by_jobs_in_flight(situation, situation.vendor.jobs_in_flight))
    return found


def turn_s(situation: Situation) -> float:
    """Return how long a call waits for its turn with an in-flight permit in its hand: the lead of its permit, or a
    pause.
    """
    if situation.by_permits:
        return LEAD_US / 1_000_000
    dispatch = situation.vendor.dispatch
    ceiling_per_s = situation.vendor.max_rps(Scope.SUBMIT)
    return pause_us(situation.tuning, ceiling_per_s, dispatch.maximum_concurrency) / 1_000_000


def held_s(situation: Situation) -> float:
    """Return how long a job holds its in-flight permit: its turn, the submit, the vendor's work, and the way back."""
    return turn_s(situation) + situation.latency_ms / 1_000 + situation.job_s + FREED_S


def span_us(quota: Quota) -> int:
    """Return the time in which a quota gives its amount: the window and up to two grains."""
    return quota.span_count * quota.grain_us


def stall_s(rule: Rule, quota: Quota) -> float:
    """Return how long nobody gets a permit after a burst has used up a quota, in seconds; negative where none can."""
    return (span_us(quota) - quota.amount * rule.emission_interval_us) / 1_000_000


def longest_stall(rule: Rule) -> Quota | None:
    """Return the quota that stalls for longest; None where none does."""
    stalling = [quota for quota in rule.quotas if stall_s(rule, quota) > 0]
    return max(stalling, key=lambda quota: stall_s(rule, quota), default=None)


def headroom_cost(situation: Situation) -> float:
    """Return the share of the contract that the headroom costs, beside a rule without one."""
    if situation.vendor.dispatch.pacing is Pacing.DELAY:
        return 0.0
    limits = situation.vendor.limits_of(situation.vendor.budget_scope(Scope.SUBMIT))
    with_it, without = (_rate_per_s(rule_of(limits, headroom_us)) for headroom_us in (situation.headroom_us, 0))
    return 1 - with_it / without


def _rate_per_s(rule: Rule) -> float:
    quotas = [quota.amount / span_us(quota) * 1_000_000 for quota in rule.quotas]
    return min([1_000_000 / rule.emission_interval_us, *quotas])


def _by_permits(situation: Situation) -> Iterator[Limitation]:
    rule, latency_us = situation.rule, situation.latency_us
    ahead = situation.backlog_count - 1  # calls before the last one
    around_us = LEAD_US + latency_us
    spaced_us = ahead * rule.emission_interval_us
    yield Limitation(Bound.SPACING, 1_000_000 / rule.emission_interval_us, (spaced_us + around_us) / 1_000_000, {})
    for quota in rule.quotas:
        spans, rest = divmod(ahead, quota.amount)
        terms = {"quota_amount": quota.amount, "span_us": span_us(quota), "rest_count": rest}
        rate_per_s = quota.amount / span_us(quota) * 1_000_000
        paused_us = spans * span_us(quota) + rest * rule.emission_interval_us
        yield Limitation(Bound.QUOTA, rate_per_s, (paused_us + around_us) / 1_000_000, terms)
    if situation.floors_every_call:
        for window in rule.windows:
            terms = {"window_amount": window.amount, "window_us": window.per_us}
            answered_us = window.per_us + latency_us
            rate_per_s = window.amount / answered_us * 1_000_000
            backlog_s = (ahead * answered_us / window.amount + around_us) / 1_000_000
            yield Limitation(Bound.ANSWERS, rate_per_s, backlog_s, terms)


def _by_delay(situation: Situation) -> Limitation:
    vendor = situation.vendor
    concurrency = vendor.dispatch.maximum_concurrency
    pause = pause_us(situation.tuning, vendor.max_rps(Scope.SUBMIT), vendor.dispatch.dispatchers_count)
    backlog_us = math.ceil(situation.backlog_count / concurrency) * pause + situation.latency_us
    return Limitation(Bound.DELAY, concurrency * 1_000_000 / pause, backlog_us / 1_000_000, {})


def _by_schedule(situation: Situation) -> Limitation:
    dispatch = situation.vendor.dispatch
    interval_s = dispatch.interval_minutes * 60
    intervals = math.ceil(situation.backlog_count / dispatch.batch_size)
    backlog_s = intervals * interval_s + situation.latency_us / 1_000_000
    return Limitation(Bound.SCHEDULE, dispatch.batch_size / interval_s, backlog_s, {})


def _by_sharing(found: list[Limitation]) -> Limitation:
    """Halve what the reservations gives: every submit is followed by one poll at least."""
    reserved_rps = min(limitation.rate_per_s for limitation in found)
    reserved_backlog_s = max(limitation.backlog_s for limitation in found)
    terms = {"reserved_rps": reserved_rps, "reserved_backlog_s": reserved_backlog_s}
    return Limitation(Bound.SHARED, reserved_rps / 2, 2 * reserved_backlog_s, terms)


def _by_jobs_in_flight(situation: Situation, jobs_in_flight: int) -> Limitation:
    turns = (situation.backlog_count - 1) // jobs_in_flight
    backlog_s = turns * held_s(situation) + turn_s(situation) + situation.latency_ms / 1_000
    return Limitation(Bound.JOBS_IN_FLIGHT, jobs_in_flight / held_s(situation), backlog_s, {})
