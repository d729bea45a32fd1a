"""The numbers of a situation by name, each from the code that the stack takes it from; formulas and cautions look here.

A number has the name of its property, field or constant.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Final

from headway_cdk.parameters import poll_fence
from headway_lane.contract.vendor import (
    BURST_FACTOR,
    CHECK_BATCH_SIZE,
    EXPRESS_TIMEOUT_S,
    FENCE_BURST_SHARE,
    LEAST_CONCURRENCY,
    LONGEST_DELAY_S,
    MARGIN_S,
    SCHEDULED_BELOW_RPS,
    Dispatch,
    Drain,
    Pacing,
    Scope,
    Vendor,
)
from headway_lane.limiter.core.calling import LOOK_US, PATIENCE_US
from headway_lane.limiter.core.changes import ATTEMPTS
from headway_lane.limiter.core.dispatching import CHUNK_US, HORIZON_US, LEAD_US
from headway_lane.limiter.core.reservations import rule_of
from headway_lane.limiter.delay import pause_us

from headway.planning.forecast import (
    FREED_S,
    Bound,
    headroom_cost,
    held_s,
    limitations,
    longest_stall,
    span_us,
    stall_s,
    turn_s,
)
from headway.planning.reach import unreachable
from headway.planning.recommendation import (
    BATCH_HOLD_S,
    BATCH_LIMIT,
    COLD_START_S,
    LONGEST_INTERVAL_MINUTES,
    START_S,
    recommend,
)
from headway.planning.situation import Situation

PROPERTIES: Final = tuple(name for name, member in vars(Vendor).items() if isinstance(member, property))
"""Every number that a contract file implies; a new one has to be planned too."""
CONSTANTS: Final = {
    "batch_hold_s": BATCH_HOLD_S,
    "batch_limit": BATCH_LIMIT,
    "reserve_attempts": ATTEMPTS,
    "burst_factor": BURST_FACTOR,
    "burst_share": FENCE_BURST_SHARE,
    "check_batch_size": CHECK_BATCH_SIZE,
    "chunk_us": CHUNK_US,
    "cold_start_s": COLD_START_S,
    "express_timeout_s": EXPRESS_TIMEOUT_S,
    "freed_s": FREED_S,
    "horizon_us": HORIZON_US,
    "lead_s": LEAD_US / 1_000_000,
    "lead_us": LEAD_US,
    "least_concurrency": LEAST_CONCURRENCY,
    "longest_delay_s": LONGEST_DELAY_S,
    "longest_interval_minutes": LONGEST_INTERVAL_MINUTES,
    "margin_s": MARGIN_S,
    "patience_s": PATIENCE_US / 1_000_000,
    "scheduled_below_rps": SCHEDULED_BELOW_RPS,
    "start_s": START_S,
}


class Interval(StrEnum):
    """What sets the interval of permits."""

    WINDOW = "window"
    LONG_WINDOW = "long_window"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Facts:
    """Numbers by name, as configured and with the recommended dispatch section; the words choose formulas."""

    numbers: Mapping[str, float]
    recommended: Mapping[str, float]
    words: Mapping[str, str]


def facts_of(situation: Situation) -> Facts:
    """Gather all that formulas and cautions may name."""
    vendor, tuning = situation.vendor, situation.tuning
    found = limitations(situation)
    slowest = min(found, key=lambda limitation: limitation.rate_per_s)
    paced = min(
        (each for each in found if each.bound is not Bound.JOBS_IN_FLIGHT), key=lambda limitation: limitation.rate_per_s
    )
    longest = max(found, key=lambda limitation: limitation.backlog_s)
    max_rps = vendor.max_rps(Scope.SUBMIT)
    tightest = min(vendor.limits_of(Scope.SUBMIT), key=lambda limit: limit.rate_per_s)
    pacing, interval = _permits(situation) if situation.by_permits else _pauses(situation)
    advice = recommend(vendor)
    numbers = {
        **CONSTANTS,
        **_numbers(vendor.dispatch),
        "dispatchers_count": vendor.dispatch.dispatchers_count,
        **{name: getattr(vendor, name) for name in PROPERTIES},
        "tolerated_s": vendor.waits.tolerated_s,
        "answer_s": vendor.waits.answer_s,
        "submit_timeout_s": vendor.submit.timeout_s,
        "lookup_timeout_s": vendor.submit.lookup.timeout_s if vendor.submit.lookup else 0,
        "result_timeout_s": vendor.result.timeout_s,
        "poll_timeout_s": vendor.poll.timeout_s if vendor.poll else 0,
        "rate_per_s": tuning.rate_per_s,
        "delay_ms": tuning.delay_ms,
        "headroom_us": situation.headroom_us,
        "headroom_ms": tuning.headroom_ms,
        "latency_us": situation.latency_us,
        "latency_ms": situation.latency_ms,
        "latency_s": situation.latency_ms / 1_000,
        "backlog_count": situation.backlog_count,
        "contract_amount": tightest.amount,
        "contract_per_s": tightest.per_s,
        "max_rps": max_rps,
        "max_poll_rps": vendor.max_rps(Scope.POLL),
        **_fences(vendor),
        **pacing,
        **_in_flight(situation),
        "lasting_rps": vendor.lasting_rps(),
        "max_any_rps": vendor.max_rps(Scope.ANY),
        "paced_rps": paced.rate_per_s,
        **longest.terms,
        **{f"slowest_{name}": value for name, value in slowest.terms.items()},
        "predicted_rps": slowest.rate_per_s,
        "utilisation": slowest.rate_per_s / max_rps,
        "backlog_s": longest.backlog_s,
        "batch_hold_at_pace_s": vendor.dispatch.batch_size * _sharing_count(vendor) / paced.rate_per_s,
        "interval_s": vendor.dispatch.interval_minutes * 60,
        "caller_count": math.ceil(max_rps * (pacing["waited_s"] + situation.latency_ms / 1_000)),
        "headroom_percent": 100 * headroom_cost(situation),
    }
    numbers["least_wait_s"] = (
        numbers["interval_s"]
        if vendor.dispatch.drain is Drain.SCHEDULE
        else max(numbers["waited_s"], numbers["batch_hold_at_pace_s"])
    )
    words = {
        "pacing": str(vendor.dispatch.pacing),
        "drain": str(vendor.dispatch.drain),
        "way": "direct" if vendor.dispatch.direct else "caller",
        "bound": str(slowest.bound),
        "pace_bound": str(paced.bound),
        "backlog_bound": str(longest.bound),
        "shared": str(situation.shares).lower(),
        "in_flight": "unlimited" if vendor.jobs_in_flight is None else "limited",
        "unreachable": ", nor ".join(unreachable(vendor)),
        "drain_is_set": str(vendor.dispatch.drain_is_set).lower(),
        "interval": interval,
        "stall": str("stall_s" in numbers).lower(),
        "answers_prove_arrival": str(tuning.answers_prove_arrival).lower(),
        "polls": "counted" if vendor.limits_of(Scope.POLL) else "uncounted",
        "recommended_drain": str(advice.drain),
        "schedule": "in question" if Drain.SCHEDULE in (advice.drain, vendor.dispatch.drain) else "out of question",
    }
    recommended = {**_numbers(advice), "dispatchers_count": advice.dispatchers_count}
    return Facts(numbers, {**numbers, **recommended}, words)


def _numbers(dispatch: Dispatch) -> dict[str, float]:
    return {name: value for name, value in asdict(dispatch).items() if type(value) is int}


def _in_flight(situation: Situation) -> dict[str, float]:
    """Return the numbers of jobs in flight; none where the contract does not limit them."""
    if situation.vendor.jobs_in_flight is None:
        return {}
    numbers = {"jobs_in_flight": situation.vendor.jobs_in_flight, "job_s": situation.job_s}
    return numbers | {"turn_s": turn_s(situation), "held_s": held_s(situation)}


def _sharing_count(vendor: Vendor) -> int:
    """Return how many dispatchers make the predicted rate: plain pacing predicts that of the normal ones."""
    permits = vendor.dispatch.pacing is Pacing.PERMITS
    return vendor.dispatch.dispatchers_count if permits else vendor.dispatch.maximum_concurrency


def _pauses(situation: Situation) -> tuple[dict[str, float], str]:
    vendor = situation.vendor
    pause = pause_us(situation.tuning, vendor.max_rps(Scope.SUBMIT), vendor.dispatch.dispatchers_count)
    return {"pause_us": pause, "waited_s": 0}, ""


def _permits(situation: Situation) -> tuple[dict[str, float], str]:
    """Return the numbers of permits, and what sets their interval: the operator's rate where no limit does."""
    rule = situation.rule
    chunk = max(1, CHUNK_US // rule.emission_interval_us)
    batch = situation.vendor.dispatch.batch_size
    late = int(situation.floors_every_call)
    numbers: dict[str, float] = {
        "waited_s": LEAD_US / 1_000_000,
        "emission_interval_us": rule.emission_interval_us,
        "chunk_count": chunk,
        "late_writes": late,
        "writes_per_call": math.ceil(batch / chunk) / batch + late,
        "shortest_window_us": min((window.per_us for window in rule.windows), default=math.inf),
        "look_us": LOOK_US,
    }
    quota = longest_stall(rule)
    if quota:
        numbers |= {"stall_amount": quota.amount, "stall_span_us": span_us(quota), "stall_s": stall_s(rule, quota)}
        numbers |= {"stall_rate_per_s": quota.amount / span_us(quota) * 1_000_000}
    for limit in situation.vendor.limits_of(situation.vendor.budget_scope(Scope.SUBMIT)):
        alone = rule_of([limit], situation.headroom_us)
        if alone.emission_interval_us == rule.emission_interval_us:
            numbers |= {"interval_amount": limit.amount, "interval_per_s": limit.per_s}
            if not alone.windows:
                return numbers, Interval.LONG_WINDOW
            share = situation.headroom_us / (limit.per_s * 1_000_000)
            return numbers | {"utilisation_limit": 1 / (1 + share)}, Interval.WINDOW
    return numbers, Interval.OPERATOR


def _fences(vendor: Vendor) -> dict[str, float]:
    """Return both throttles of the proxy, and of each the limit that sets its rate."""
    numbers: dict[str, float] = {}
    for name, scope, fence in (
        ("fence", Scope.SUBMIT, vendor.fence(Scope.SUBMIT)),
        ("poll_fence", Scope.POLL, poll_fence(vendor)),
    ):
        if fence is None:
            continue
        numbers |= {f"{name}_rate_per_s": fence.rate_per_s, f"{name}_burst_count": fence.burst_count}
        limits = vendor.limits_of(scope)
        for limit in limits:
            alone = replace(vendor, limits=(limit,)).fence(scope)
            if alone and alone.rate_per_s == fence.rate_per_s:
                numbers |= {f"{name}_amount": limit.amount, f"{name}_per_s": limit.per_s}
                numbers |= {f"{name}_burst": alone.burst_count, f"{name}_factor": limit.burst_factor}
        numbers |= {f"{name}_least_amount": min((limit.amount for limit in limits), default=math.inf)}
    return numbers
