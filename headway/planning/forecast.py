"""How fast the calls of a situation go, and what bounds them. Arithmetic on the rule that the permits are booked under.

Every bound gives a rate over a long time and a time for the backlog; the lowest rate and the longest time hold.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from functions.contract.vendor import Drain, Pacing, Scope
from functions.dispatcher.pace import LEAD_US
from functions.limiter.delay import pause_us
from functions.limiter.permits import Quota, Rule, rule_of
from headway.planning.situation import Situation


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
    SCHEDULE = "schedule"
    """One batch per interval."""


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
    if situation.vendor.dispatch.drain is Drain.SCHEDULE:
        found.append(_by_schedule(situation))
    return found


def span_us(quota: Quota) -> int:
    """Return the time in which a quota gives its amount: the window and up to two grains."""
    return quota.span_count * quota.grain_us


def stall_s(rule: Rule, quota: Quota) -> float:
    """Return how long nobody gets a permit after a burst has used up a quota, in seconds; negative where none can."""
    return (span_us(quota) - quota.amount * rule.interval_us) / 1_000_000


def longest_stall(rule: Rule) -> Quota | None:
    """Return the quota that stalls for longest; None where none does."""
    stalling = [quota for quota in rule.quotas if stall_s(rule, quota) > 0]
    return max(stalling, key=lambda quota: stall_s(rule, quota), default=None)


def headroom_cost(situation: Situation) -> float:
    """Return the share of the contract that the headroom costs, beside a rule without one."""
    if situation.vendor.dispatch.pacing is Pacing.DELAY:
        return 0.0
    limits = situation.vendor.limits_of(Scope.SUBMIT)
    with_it, without = (_rate_per_s(rule_of(limits, headroom_us)) for headroom_us in (situation.headroom_us, 0))
    return 1 - with_it / without


def _rate_per_s(rule: Rule) -> float:
    quotas = [quota.amount / span_us(quota) * 1_000_000 for quota in rule.quotas]
    return min([1_000_000 / rule.interval_us, *quotas])


def _by_permits(situation: Situation) -> Iterator[Limitation]:
    rule, latency_us = situation.rule, situation.latency_us
    ahead = situation.backlog_count - 1  # calls before the last one
    around_us = LEAD_US + latency_us
    spaced_us = ahead * rule.interval_us
    yield Limitation(Bound.SPACING, 1_000_000 / rule.interval_us, (spaced_us + around_us) / 1_000_000, {})
    for quota in rule.quotas:
        spans, rest = divmod(ahead, quota.amount)
        terms = {"quota_amount": quota.amount, "span_us": span_us(quota), "rest_count": rest}
        rate_per_s = quota.amount / span_us(quota) * 1_000_000
        paused_us = spans * span_us(quota) + rest * rule.interval_us
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
