"""Situations to plan: builders, and Hypothesis' strategies over contracts that the schemas allow."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headway_lane.contract.dispatch import LARGEST_BATCH_COUNT, Pacing
from headway_lane.contract.fences import HEADROOM_LIMIT_MS
from headway_lane.contract.tuning import Tuning
from hypothesis import strategies as st

from headway.planning.plan import Line, Plan, plan
from headway.planning.situation import Situation
from tests.unit.headway_lane.fakes import vendor_of


def limit(amount: int, per_s: float, scope: str = "submit") -> dict[str, Any]:
    return {"quantity": "calls", "amount": amount, "per_s": per_s, "scope": scope}


def in_flight(amount: int) -> dict[str, Any]:
    return {"quantity": "jobs_in_flight", "amount": amount}


def lookup(timeout_s: float) -> dict[str, Any]:
    return {"path": "/v1/jobs?reference={idempotency_key}", "timeout_s": timeout_s, "job_id": "id"}


def poll(timeout_s: float) -> dict[str, Any]:
    every = {"after_s": 60, "every_s": 60}
    return {"path": "/v1/jobs/{job_id}", "timeout_s": timeout_s, "status": "status", "success": ["done"], **every}


def situation_of(
    changes: Mapping[str, Any] | None = None,
    *,
    calls_back: bool = True,
    rate_per_s: float | None = None,
    delay_ms: int = 0,
    headroom_ms: int | None = 15,
    day_amount: int | None = None,
    answers_prove_arrival: bool = False,
    latency_ms: int = 250,
    backlog_count: int | None = None,
    job_s: float | None = None,
) -> Situation:
    """Build a situation; the operator's rate is the contract's unless given, `calls_back` is false for a vendor whose
    jobs are polled alone.
    """
    vendor = (
        vendor_of(changes) if calls_back else replace(vendor_of({"poll": poll(10), **(changes or {})}), callback=None)
    )
    tuning = Tuning(
        delay_ms=delay_ms,
        rate_per_s=rate_per_s or Tuning.default_of(vendor).rate_per_s,
        headroom_ms=headroom_ms,
        answers_prove_arrival=answers_prove_arrival,
        day_amount=day_amount,
    )
    return Situation.of(vendor, tuning, latency_ms, backlog_count, job_s)


def plan_of(changes: Mapping[str, Any] | None = None, **rest: Any) -> Plan:
    return plan(situation_of(changes, **rest))


def line(drawn: Plan, name: str) -> Line:
    [found] = [line for line in drawn.lines if line.name == name]
    return found


def codes(drawn: Plan) -> set[str]:
    return {warning.code for warning in drawn.warnings}


def evaluate(text: str) -> Any:
    """Evaluate the text of a formula with its numbers."""
    names = {"min": min, "max": max, "ceil": math.ceil, "floor": math.floor, "__builtins__": {}}
    return eval(text.replace(" x ", " * "), names)  # noqa: S307 - the table's own text


PERIODS_S = st.sampled_from([0.25, 0.5, 1, 1.5, 3, 7, 10, 60, 3600, 86_400])
LIMITS = st.lists(st.builds(limit, st.integers(1, 500), PERIODS_S), min_size=1, max_size=3)
POLL_LIMITS = st.lists(st.builds(limit, st.integers(1, 500), PERIODS_S, st.just("poll")), max_size=2)
ANY_LIMITS = st.lists(st.builds(limit, st.integers(1, 500), PERIODS_S, st.just("any")), max_size=1)
IN_FLIGHT = st.lists(st.builds(in_flight, st.integers(1, 2_000)), max_size=1)
TIMEOUTS_S = st.integers(1, 290).map(lambda tenths: tenths / 10)
WAITS_S = st.integers(1, 100_000)
POLLS = st.builds(poll, TIMEOUTS_S)
LOOKUPS = st.none() | st.builds(lookup, TIMEOUTS_S)


@st.composite
def any_situations(draw: st.DrawFn) -> Situation:
    """Draw any contract, tuning, latency and backlog."""
    pacing = draw(st.sampled_from(Pacing))
    any_limits = [] if pacing is Pacing.DELAY else draw(ANY_LIMITS)  # which is refused when files are loaded
    direct = pacing is Pacing.DELAY and draw(st.booleans())  # without permits, polls and lookups, or it is refused, too
    calls_back = direct or draw(st.booleans())
    polled = {} if calls_back and (direct or draw(st.booleans())) else {"poll": draw(POLLS)}
    dispatch = {} if draw(st.booleans()) else {"trigger": draw(st.sampled_from(["event_source", "schedule"]))}
    changes = {
        "limits": draw(LIMITS) + draw(POLL_LIMITS) + any_limits + draw(IN_FLIGHT),
        "submit.timeout_s": draw(TIMEOUTS_S),
        "submit.lookup": None if direct else draw(LOOKUPS),
        "result.timeout_s": draw(TIMEOUTS_S),
        "waits.tolerated_s": draw(WAITS_S),
        "waits.answer_s": draw(WAITS_S),
        "dispatch": {
            **dispatch,
            "pacing": str(pacing),
            "interval_minutes": draw(st.integers(1, 1440)),
            "batch_size": draw(st.integers(1, 10) | st.integers(11, LARGEST_BATCH_COUNT)),
            "batching_window_s": draw(st.integers(0, 300)),
            "maximum_concurrency": draw(st.integers(2, 50)),
            "urgent_concurrency": draw(st.sampled_from([0, 2, 5])),
            "reserved_concurrency": draw(st.integers(1, 60)),
            "provisioned_concurrency": draw(st.integers(0, 60)),
            "direct": direct,
        },
        **polled,
    }
    return situation_of(
        changes,
        calls_back=calls_back,
        rate_per_s=draw(st.integers(1, 10_000)) / 10,
        delay_ms=draw(st.integers(0, 5_000)),
        headroom_ms=draw(st.none() | st.integers(1, HEADROOM_LIMIT_MS)),
        day_amount=draw(st.none() | st.integers(1, 1_000_000)),
        answers_prove_arrival=draw(st.booleans()),
        latency_ms=draw(st.integers(0, 5_000)),
        backlog_count=draw(st.none() | st.integers(1, 1_000_000)),
        job_s=draw(st.none() | st.integers(0, 100_000)),
    )


@st.composite
def slow_answers(draw: st.DrawFn) -> Situation:
    """Draw a vendor whose every answer is taken for a late arrival and bounds the rate: rare among any situations."""
    return situation_of(
        {"limits": draw(st.lists(st.builds(limit, st.integers(1, 500), st.sampled_from([0.5, 1, 3])), min_size=1))},
        headroom_ms=draw(st.integers(1, 50)),
        answers_prove_arrival=True,
        latency_ms=draw(st.integers(200, 5_000)),
        backlog_count=draw(st.none() | st.integers(1, 1_000_000)),
    )


def situations() -> st.SearchStrategy[Situation]:
    """Draw any situation, and one in five times one whose slow answers bind."""
    return st.integers(0, 4).flatmap(lambda drawn: slow_answers() if drawn == 4 else any_situations())
