"""What an operator should know before the numbers are deployed: each caution once, with when it holds and its words."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from headway_lane.contract.dispatch import BATCH_SIZE, Trigger

from headway.planning.bounds import JobsInFlightBound, ScheduleBound
from headway.planning.facts import Facts
from headway.planning.formulas import number
from headway.planning.pacing import PermitNumbers
from headway.planning.reach import unreachable

HEADROOM_PERCENT: Final = 5
"""A headroom that costs more of the contract than this is worth a look at what it is measured from."""
LEAST_RATE_PER_S: Final = 0.1
"""Minimum of `rate_per_s` in `tuning.schema.json`: an operator of a slower contract cannot say less."""


@dataclass(frozen=True, slots=True)
class Caution:
    """`text` names facts in braces, `recommended_` ones with that prefix; `code` is for machines."""

    code: str
    holds: Callable[[Facts], bool]
    text: str

    def write(self, facts: Facts) -> str:
        """Return the text with the facts put in."""
        numbers = {name: number(value) for name, value in facts.numbers.items()}
        advice = {f"recommended_{name}": number(value) for name, value in facts.recommended.items()}
        return self.text.format_map({**numbers, **advice, "unreachable": _unreachable(facts)})


def cautions_of(facts: Facts) -> Sequence[Caution]:
    """Return the cautions that hold, in the table's order."""
    return [caution for caution in CAUTIONS if caution.holds(facts)]


def _by_permits(facts: Facts) -> bool:
    return facts.situation.by_permits


def _unreachable(facts: Facts) -> str:
    return ", nor ".join(unreachable(facts.situation.vendor))


def _paced_by_schedule(facts: Facts) -> bool:
    return isinstance(facts.forecast.paced, ScheduleBound)


def _batch_outlives_dispatcher(facts: Facts) -> bool:
    numbers = facts.numbers
    return not _paced_by_schedule(facts) and numbers["batch_hold_at_pace_s"] > numbers["dispatcher_timeout_s"]


def _quota_stalls(facts: Facts) -> bool:
    return facts.numbers.get("stall_s", 0) > facts.numbers["dispatcher_timeout_s"]


def _schedule_carries_less(facts: Facts) -> bool:
    """Tell a schedule that could carry more; a batch per interval of whole minutes cannot always carry all. Just below
    the rate where a schedule is chosen, one full batch a minute is less than the contract.
    """
    numbers, advice = facts.numbers, facts.recommended
    best_rps = advice["batch_size"] / advice["interval_minutes"]
    fastest = facts.advice.by_schedule and (numbers["batch_size"] / numbers["interval_minutes"] >= best_rps)
    full = advice["interval_minutes"] == 1 and best_rps < numbers["max_rps"] * 60
    return _paced_by_schedule(facts) and (full or not fastest)


def _floors_come_late(facts: Facts) -> bool:
    numbers = facts.numbers
    return (
        _by_permits(facts)
        and facts.situation.tuning.answers_prove_arrival is not False
        and numbers["latency_us"] >= numbers["shortest_window_us"] - numbers["look_us"]
    )


def _slots_far_apart(facts: Facts) -> bool:
    numbers = facts.numbers
    return (
        _by_permits(facts)
        and numbers["batch_size"] > 1
        and (numbers["emission_interval_us"] - numbers["horizon_us"] > numbers["patience_s"] * 1_000_000)
    )


def _rate_without_effect(facts: Facts) -> bool:
    """Tell a rate above the contract; where several limits hold, it may still slow the bursts of a long window."""
    numbers, pacing = facts.numbers, facts.forecast.pacing
    slows_bursts = isinstance(pacing, PermitNumbers) and pacing.interval_limit is None
    return numbers["rate_per_s"] > max(numbers["max_rps"], LEAST_RATE_PER_S) and not slows_bursts


def _capped_early(facts: Facts) -> bool:
    return facts.numbers.get("day_amount", math.inf) < facts.numbers["contract_day_count"]


CAUTIONS: Final = (
    Caution(
        "jobs_in_flight_bind",
        lambda facts: isinstance(facts.forecast.slowest, JobsInFlightBound),
        "{jobs_in_flight} jobs in flight, each for {held_s} s, carry {predicted_rps} calls/s, the rates {paced_rps}:"
        " calls wait until a job ends. Jobs are taken to last {job_s} s; `--job-time` takes another figure.",
    ),
    Caution(
        "limit_out_of_reach",
        lambda facts: bool(_unreachable(facts)),
        "Other limits are tighter, so calls can never reach {unreachable}: a slip in `limits`, or a line too many.",
    ),
    Caution(
        "drain_by_schedule",
        lambda facts: facts.advice.by_schedule and facts.situation.vendor.dispatch.trigger is not Trigger.SCHEDULE,
        "The contract is below {scheduled_below_rps} calls/s, and `trigger: event_source` overrides the recommendation:"
        " a dispatcher idles. Set `trigger: schedule`, `interval_minutes: {recommended_interval_minutes}`,"
        " `batch_size: {recommended_batch_size}`.",
    ),
    Caution(
        "schedule_below_contract",
        _schedule_carries_less,
        "`trigger: schedule` carries {paced_rps} calls/s ({batch_size} every {interval_minutes} min) of {max_rps}:"
        " shorten `interval_minutes`, raise `batch_size`, or drain by event source.",
    ),
    Caution(
        "floors_on_every_call",
        lambda facts: facts.numbers.get("late_writes", 0) == 1,
        "The vendor answers after {latency_ms} ms, the headroom is {headroom_ms} ms: every answer is taken for a late"
        " arrival, puts a floor and costs a write. Leave `answers_prove_arrival` out of the tuning.",
    ),
    Caution(
        "floors_too_late",
        _floors_come_late,
        "The vendor answers after {latency_ms} ms, the shortest window is {shortest_window_us} us: a late call is known"
        " after the one a window behind it has looked. The headroom alone keeps this contract.",
    ),
    Caution(
        "latency_above_timeout",
        lambda facts: facts.numbers["latency_s"] >= facts.numbers["submit_timeout_s"],
        "The vendor answers after {latency_ms} ms, `submit.timeout_s` is {submit_timeout_s}: every submit times out.",
    ),
    Caution(
        "headroom_dear",
        lambda facts: facts.situation.headroom_is_set and facts.numbers["headroom_percent"] > HEADROOM_PERCENT,
        "The headroom of {headroom_ms} ms costs {headroom_percent} % of the contract: lower `headroom_ms` as far as"
        " the jitter allows.",
    ),
    Caution(
        "batch_outlives_dispatcher",
        _batch_outlives_dispatcher,
        "A batch takes {batch_hold_at_pace_s} s ({batch_size} calls, {dispatchers_count} dispatchers,"
        " {paced_rps} calls/s), the dispatcher ends after {dispatcher_timeout_s} s: with `delay` receives are"
        " burnt, with permits the rest goes back to its queue. Lower `batch_size`, or raise `rate_per_s`.",
    ),
    Caution(
        "batch_unfair",
        lambda facts: facts.numbers["batch_size"] > BATCH_SIZE,
        "{maximum_concurrency} dispatchers hold up to {batched_count} calls, {batched_s} s of what is predicted: who"
        " comes next waits behind them, a quiet tenant too, and a batch whose dispatcher dies is seen again after"
        " {request_visibility_s} s. A call that comes alone waits {batching_window_s} s. Lower"
        " `batch_size`; {recommended_batch_size} is recommended.",
    ),
    Caution(
        "quota_stalls_dispatcher",
        _quota_stalls,
        "A burst uses up {stall_amount} permits, then nobody gets one for {stall_s} s; a dispatcher ends after"
        " {dispatcher_timeout_s} s, so requests go back to their queue. Lower `rate_per_s` to {stall_rate_per_s}.",
    ),
    Caution(
        "slots_far_apart",
        _slots_far_apart,
        "Permits are {emission_interval_us} us apart, and a dispatcher returns its batch where the next one is more"
        " than {patience_s} s away: it goes to and fro. Set `batch_size: 1`, drained by schedule.",
    ),
    Caution(
        "visibility_above_heartbeat",
        lambda facts: facts.numbers["request_visibility_s"] > facts.numbers["call_heartbeat_s"],
        "A request that failed once is seen again after {request_visibility_s} s, its task is dead after"
        " {call_heartbeat_s} s without a heartbeat: lower `batch_size`, or raise `tolerated_s`.",
    ),
    Caution(
        "tolerated_wait_short",
        lambda facts: facts.numbers["tolerated_s"] < facts.numbers["least_wait_s"],
        "`tolerated_s` is {tolerated_s}, but a call waits up to {least_wait_s} s for its batch, interval or lead.",
    ),
    Caution(
        "soft_limit_zero",
        lambda facts: facts.numbers["soft_limit_count"] == 0,
        "The soft limit is {max_rps} x {tolerated_s}, rounded down to 0: every waiting call raises the alarm. Raise"
        " `tolerated_s`.",
    ),
    Caution(
        "polls_slower_than_submits",
        lambda facts: facts.numbers["max_poll_rps"] < facts.numbers["max_rps"],
        "Polls are limited to {max_poll_rps} calls/s, submits to {max_rps}: every call needs one poll at least, so"
        " results fall behind.",
    ),
    Caution(
        "cold_dispatchers",
        lambda facts: (
            facts.numbers["provisioned_concurrency"] == 0 < facts.recommended["provisioned_concurrency"]
            and facts.situation.vendor.dispatch.trigger is Trigger.EVENT_SOURCE
        ),
        "`provisioned_concurrency` is 0, recommended {recommended_provisioned_concurrency}: at {max_rps} calls/s the"
        " slots of a whole batch pass while a dispatcher starts cold. Warm workers cost by the hour.",
    ),
    Caution(
        "reserved_below_maximum",
        lambda facts: facts.numbers["reserved_concurrency"] < facts.numbers["dispatchers_count"],
        "`reserved_concurrency` {reserved_concurrency} is below {dispatchers_count} (`maximum_concurrency` +"
        " `urgent_concurrency`): polled batches are throttled and burn receives.",
    ),
    Caution(
        "urgent_dispatchers_idle",
        lambda facts: not _by_permits(facts) and facts.numbers["urgent_concurrency"] > 0,
        "`pacing: delay` divides the rate by {dispatchers_count} dispatchers, {urgent_concurrency} of which idle while"
        " nothing is urgent: set `urgent_concurrency: 0`, or `pacing: permits`.",
    ),
    Caution(
        "contention",
        lambda facts: _by_permits(facts) and facts.numbers["dispatchers_count"] > facts.numbers["reserve_attempts"],
        "{dispatchers_count} dispatchers share one budget, and each gives up after {reserve_attempts} lost races:"
        " lower `maximum_concurrency` to {recommended_maximum_concurrency}.",
    ),
    Caution(
        "day_cap_below_contract",
        _capped_early,
        "The cap of {day_amount} calls a day is below the {contract_day_count} that the contract gives in one: at"
        " {predicted_rps} calls/s it is reached after {capped_after_s} s, and the lane pauses until midnight UTC.",
    ),
    Caution(
        "rate_above_contract",
        _rate_without_effect,
        "`rate_per_s` {rate_per_s} in the tuning is above the contract's {max_rps}: it has no effect.",
    ),
)
