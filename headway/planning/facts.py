"""The numbers of a situation by name, each from the code that the stack takes it from; formulas and cautions look here.

A number has the name of its property, field or constant.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from headway_lane.contract.dispatch import LEAST_CONCURRENCY, SCHEDULED_BELOW_RPS
from headway_lane.contract.fences import HEADROOM_LIMIT_US
from headway_lane.contract.formula import Formula
from headway_lane.contract.limits import BURST_FACTOR, FENCE_BURST_SHARE, Scope
from headway_lane.contract.timing import (
    CONCURRENCY_LIMIT,
    LONGEST_DELAY_S,
    LONGEST_REQUEUE_S,
    MARGIN_S,
    MAX_RECEIVE_COUNT,
    TURN_PATIENCE_S,
    VISIBILITY_TIMES,
)
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.core.calling import LOOK_US
from headway_lane.limiter.core.changes import RACE_ATTEMPTS
from headway_lane.limiter.core.dispatching import CHUNK_US, HORIZON_US, LEAD_US

from headway.planning.forecast import MAP_LIMIT, Forecast
from headway.planning.naming import AS_IS, LONGEST, PLAIN_FENCE, POLL_FENCE, SLOWEST, SUBMIT_FENCE, TIGHTEST, Naming
from headway.planning.recommendation import (
    BATCH_HOLD_S,
    BATCH_LIMIT,
    COLD_START_S,
    LONGEST_INTERVAL_MINUTES,
    START_S,
    Recommendation,
)
from headway.planning.situation import Situation

CONSTANTS: Final[Mapping[str, float]] = {
    "batch_hold_s": BATCH_HOLD_S,
    "batch_limit": BATCH_LIMIT,
    "reserve_attempts": RACE_ATTEMPTS,
    "burst_factor": BURST_FACTOR,
    "burst_share": FENCE_BURST_SHARE,
    "chunk_us": CHUNK_US,
    "cold_start_s": COLD_START_S,
    "concurrency_limit": CONCURRENCY_LIMIT,
    "headroom_limit_us": HEADROOM_LIMIT_US,
    "horizon_us": HORIZON_US,
    "lead_s": LEAD_US / 1_000_000,
    "lead_us": LEAD_US,
    "least_concurrency": LEAST_CONCURRENCY,
    "longest_delay_s": LONGEST_DELAY_S,
    "longest_interval_minutes": LONGEST_INTERVAL_MINUTES,
    "longest_requeue_s": LONGEST_REQUEUE_S,
    "look_us": LOOK_US,
    "map_limit": MAP_LIMIT,
    "margin_s": MARGIN_S,
    "max_receive_count": MAX_RECEIVE_COUNT,
    "patience_s": TURN_PATIENCE_S,
    "scheduled_below_rps": SCHEDULED_BELOW_RPS,
    "start_s": START_S,
    "visibility_times": VISIBILITY_TIMES,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """A situation, what is forecast of it and recommended for it, and all of that as numbers and formulas by name.

    `recommended` are the numbers with the recommended dispatch section in place of the configured one; `formulas` are
    those that hold.
    """

    situation: Situation
    forecast: Forecast
    advice: Recommendation
    numbers: Mapping[str, float]
    recommended: Mapping[str, float]
    formulas: Mapping[str, Formula]


def facts_of(situation: Situation) -> Facts:
    """Gather all that formulas and cautions may name."""
    forecast, advice = Forecast(situation), Recommendation(situation.vendor)
    numbers = {**CONSTANTS, **_numbers_of_parts(situation.vendor)}
    holding: dict[str, Formula] = {}
    for owner, naming in (*_of_vendor(situation.vendor), *_of_forecast(forecast)):
        numbers |= naming.numbers(owner)
        holding |= naming.holding(owner)
    return Facts(
        situation=situation,
        forecast=forecast,
        advice=advice,
        numbers=numbers,
        recommended={**numbers, **AS_IS.numbers(advice)},
        formulas={**holding, **AS_IS.holding(advice)},
    )


def _numbers_of_parts(vendor: Vendor) -> Mapping[str, float]:
    """Return the numbers of a contract's parts; 0 where it has no such part."""
    return {
        "submit_timeout_s": vendor.submit.timeout_s,
        "lookup_timeout_s": vendor.submit.lookup.timeout_s if vendor.submit.lookup else 0,
        "result_timeout_s": vendor.result.timeout_s,
        "poll_timeout_s": vendor.poll.timeout_s if vendor.poll else 0,
        "cancel_timeout_s": vendor.cancel.timeout_s if vendor.cancel else 0,
        "max_poll_rps": vendor.max_rps(Scope.POLL),
        "max_any_rps": vendor.max_rps(Scope.ANY),
    }


def _of_vendor(vendor: Vendor) -> Iterator[tuple[object, Naming]]:
    """Yield what computes a contract's numbers; of its limits the tightest, and those that set the fences."""
    yield vendor, AS_IS
    yield vendor.dispatch, AS_IS
    yield vendor.waits, AS_IS
    yield min(vendor.limits_of(Scope.SUBMIT), key=lambda limit: limit.rate_per_s), TIGHTEST
    for scope, naming in ((Scope.SUBMIT, SUBMIT_FENCE), (Scope.POLL, POLL_FENCE)):
        if fence := vendor.permits_fence(scope):
            yield fence, naming
    if not vendor.dispatch.by_permits:
        for least, naming in PLAIN_FENCE.items():
            yield min(vendor.limits_of(Scope.SUBMIT), key=attrgetter(least)), naming


def _of_forecast(forecast: Forecast) -> Iterator[tuple[object, Naming]]:
    """Yield what computes the numbers of a forecast."""
    yield forecast.situation.tuning, AS_IS
    yield forecast.situation, AS_IS  # after the tuning, whose headroom may be another than the one that was learned
    yield forecast.pacing, AS_IS
    yield forecast, AS_IS
    yield forecast.longest, LONGEST
    yield forecast.slowest, SLOWEST
