"""The forecast agrees with the permits that are really reserved, and with what was measured of each way of pacing."""

from typing import Any

import pytest
from headway_lane.contract.dispatch import Trigger
from headway_lane.contract.limits import Scope
from headway_lane.limiter.core.dispatching import LEAD_US
from headway_lane.limiter.core.reservations import no_reservations, reserve
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.planning.plan import Plan, plan
from headway.planning.recommendation import BATCH_LIMIT, recommend
from headway.planning.situation import Situation
from tests.unit.headway.planning.situations import in_flight, limit, line, plan_of, situation_of, situations
from tests.unit.headway_lane.fakes import VENDOR_DOCUMENT, vendor_of


def value(drawn: Plan, name: str) -> float:
    found = line(drawn, name).value
    assert not isinstance(found, str)
    return found


def reserved_s(situation: Situation) -> float:
    """Reserve the whole backlog at once and return when its last call is answered."""
    _, permits = reserve(situation.rule, no_reservations(situation.rule), LEAD_US, situation.backlog_count)
    return (permits[-1].slot_us + situation.latency_us) / 1_000_000


@given(
    amount=st.integers(1, 200),
    per_s=st.sampled_from([0.5, 1, 3, 10, 60, 600]),
    headroom_ms=st.integers(1, 200),
    share=st.integers(1, 20),
    backlog_count=st.integers(1, 800),
)
@settings(max_examples=200, deadline=None)
def test_a_backlog_takes_as_long_as_its_permits(
    amount: int, per_s: float, headroom_ms: int, share: int, backlog_count: int
) -> None:
    limits = {"limits": [limit(amount, per_s)]}
    rate_per_s = amount / per_s * share / 10
    options: dict[str, Any] = {"rate_per_s": rate_per_s, "headroom_ms": headroom_ms, "backlog_count": backlog_count}
    situation = situation_of(limits, **options)
    grain_s = max((quota.grain_us for quota in situation.rule.quotas), default=0) / 1_000_000
    spans = backlog_count // amount + 1
    assert value(plan_of(limits, **options), "backlog_s") == pytest.approx(
        reserved_s(situation), abs=2 * grain_s * spans + 1e-6
    )


@given(situation=situations())
@settings(max_examples=100, deadline=None)
def test_the_forecast_never_lies_above_contract_or_operator(situation: Situation) -> None:
    drawn = plan(situation)
    assert 0 < value(drawn, "utilisation") <= 1 + 1e-9
    assert value(drawn, "predicted_rps") <= situation.tuning.rate_per_s * (1 + 1e-9)


@pytest.mark.parametrize(("headroom_ms", "expected"), [(15, 0.985), (20, 0.980), (100, 0.909)])
def test_spacing_costs_its_headroom(headroom_ms: int, expected: float) -> None:
    drawn = plan_of({"limits": [limit(20, 1)]}, headroom_ms=headroom_ms)
    assert value(drawn, "utilisation") == pytest.approx(expected, abs=0.0006)
    assert value(drawn, "utilisation_limit") == pytest.approx(value(drawn, "utilisation"), abs=1e-4)


def test_a_quota_costs_two_grains_of_sixty() -> None:
    drawn = plan_of({"limits": [limit(20, 1), limit(300, 60)]}, rate_per_s=20)
    assert value(drawn, "utilisation") == pytest.approx(60 / 62)
    assert value(drawn, "stall_s") == pytest.approx(62 - 300 * 0.05075)


def test_slow_answers_that_count_as_late_arrivals_cost_their_latency() -> None:
    drawn = plan_of({"limits": [limit(20, 1)]}, answers_prove_arrival=True, latency_ms=300)
    assert value(drawn, "utilisation") == pytest.approx(0.769, abs=0.001), "measured: 0.767"
    assert value(drawn, "writes_per_call") == pytest.approx(1.2)


def test_plain_pacing_reaches_the_operators_share_of_the_contract() -> None:
    drawn = plan_of({"dispatch.pacing": "delay"}, rate_per_s=7.5)
    assert value(drawn, "utilisation") == pytest.approx(0.75, abs=1e-5)
    assert value(drawn, "pause_us") == 266_667
    assert "emission_interval_us" not in [drawn_line.name for drawn_line in drawn.lines]


def test_callers_follow_from_rate_lead_and_latency() -> None:
    assert value(plan_of({"limits": [limit(35, 1)]}, latency_ms=250), "caller_count") == 27
    assert value(plan_of({"dispatch.pacing": "delay"}, latency_ms=250), "caller_count") == 3


def test_a_backlog_is_as_deep_as_the_soft_limit_unless_given() -> None:
    assert plan_of().backlog_count == vendor_of().soft_limit_count == 3_000


@pytest.mark.parametrize(
    ("amount", "per_s", "trigger", "interval_minutes", "batch_size"),
    [
        (12, 60, Trigger.EVENT_SOURCE, 1, 1),  # one every five seconds
        (11, 60, Trigger.SCHEDULE, 1, 10),
        (10, 60, Trigger.SCHEDULE, 1, 10),
        (9, 60, Trigger.SCHEDULE, 1, 9),
        (1, 90, Trigger.SCHEDULE, 2, 1),
        (100, 86_400, Trigger.SCHEDULE, 15, 1),
        (1, 864_000, Trigger.SCHEDULE, 1_440, 1),
        (20, 1, Trigger.EVENT_SOURCE, 1, 10),
    ],
)
def test_a_rare_call_is_drained_by_schedule(
    amount: int, per_s: float, trigger: Trigger, interval_minutes: int, batch_size: int
) -> None:
    advice = recommend(vendor_of({"limits": [limit(amount, per_s)]}))
    assert advice.trigger is trigger
    assert advice.interval_minutes == interval_minutes
    if trigger is Trigger.SCHEDULE:
        assert advice.batch_size == batch_size


def test_with_plain_pacing_no_dispatchers_wait_for_urgent_calls_at_the_cost_of_the_others() -> None:
    advice = recommend(vendor_of({"dispatch.pacing": "delay", "dispatch.urgent_concurrency": 2}))
    assert advice.urgent_concurrency == 0
    assert advice.reserved_concurrency == advice.maximum_concurrency


@given(amount=st.integers(1, 100_000), per_s=st.sampled_from([0.1, 1, 7, 60, 3_600, 86_400]))
def test_what_is_recommended_is_what_the_schema_takes_and_carries_the_contract(amount: int, per_s: float) -> None:
    vendor = vendor_of({"limits": [limit(amount, per_s)]})
    advice = recommend(vendor)
    assert 1 <= advice.batch_size <= 10
    assert 1 <= advice.interval_minutes <= 1_440
    assert (advice.urgent_concurrency, advice.reserved_concurrency) == (2, advice.maximum_concurrency + 2)
    assert 2 <= advice.maximum_concurrency >= advice.provisioned_concurrency >= 0
    if advice.trigger is Trigger.SCHEDULE and advice.interval_minutes == 1:
        assert advice.batch_size == BATCH_LIMIT or advice.batch_size / 60 >= vendor.max_rps(Scope.SUBMIT) * (1 - 1e-9)
    elif advice.trigger is Trigger.SCHEDULE:
        assert advice.batch_size == 1


@pytest.mark.parametrize(
    ("changes", "job_s", "count"),
    [
        ({}, None, 2_955),  # at 9.85/s; nobody has said how long jobs take, and short ones would leave more waiting
        ({}, 600, 2_955 + 5_911),
        ({}, 3_600, 10_000),
        ({"waits.tolerated_s": 20}, 2.5, 197 + 24),
        ({"limits": [limit(1, 60)], "waits.tolerated_s": 30}, None, 1),
        ({"limits": [limit(10, 1), in_flight(5)]}, 300, 4 + 4),  # 5 jobs in 301.75 s
    ],
)
def test_a_map_has_as_many_executions_as_may_wait_and_as_are_at_the_vendor(
    changes: dict[str, Any], job_s: float | None, count: int
) -> None:
    assert value(plan_of(changes, job_s=job_s), "map_concurrency") == count


@given(job_s=st.floats(0, 3_000), sold=st.integers(1, 200), tolerated_s=st.integers(10, 900))
def test_in_a_full_map_of_jobs_that_take_as_long_no_call_waits_longer_than_it_may(
    job_s: float, sold: int, tolerated_s: int
) -> None:
    drawn = plan_of({"limits": [limit(sold, 1)], "waits.tolerated_s": tolerated_s}, job_s=job_s)
    waited_s = value(drawn, "map_concurrency") / value(drawn, "predicted_rps") - job_s
    assert waited_s <= tolerated_s


@pytest.mark.parametrize(
    ("jobs", "job_s", "rate_per_s"), [(30, 5, 30 / 6.75), (30, None, 30 / 901.75), (1_000, 5, 1_000_000 / 101_500)]
)
def test_jobs_in_flight_carry_their_number_per_time_that_an_in_flight_permit_is_held(
    jobs: int, job_s: float | None, rate_per_s: float
) -> None:
    drawn = plan_of({"limits": [limit(10, 1), in_flight(jobs)]}, job_s=job_s)
    assert value(drawn, "predicted_rps") == pytest.approx(rate_per_s)
    assert value(drawn, "jobs_in_flight") == jobs


def test_a_batch_waits_for_in_flight_permits_with_bounded_patience_so_its_hold_is_that_of_the_pace() -> None:
    plain, holders = (plan_of({"limits": [limit(10, 1), *more]}) for more in ([], [in_flight(1)]))
    assert value(plain, "batch_hold_at_pace_s") == value(holders, "batch_hold_at_pace_s")


def test_polls_of_the_same_reservations_halve_what_is_left_for_submits() -> None:
    alone, shared = (plan_of({"limits": [limit(10, 1, scope)]}) for scope in ("submit", "any"))
    assert value(shared, "predicted_rps") == value(alone, "predicted_rps") / 2
    assert value(shared, "lasting_rps") == 5


def test_a_vendor_that_calls_nobody_back_is_polled_once_more_for_each_submit_in_forecast_text_and_contract() -> None:
    limits = {"limits": [limit(12, 1, "any")]}
    alone, shared = plan_of({"limits": [limit(12, 1)]}, calls_back=False), plan_of(limits, calls_back=False)
    assert value(shared, "predicted_rps") == pytest.approx(value(alone, "predicted_rps") / 3)
    assert value(shared, "backlog_s") == pytest.approx(
        3 * value(plan_of({"limits": [limit(12, 1)]}, calls_back=False, backlog_count=1_200), "backlog_s")
    )
    found = line(shared, "lasting_rps")
    assert (found.formula, found.numbers, found.value) == ("max_any_rps / calls_per_job_count", "12 / 3", 4)
    assert value(shared, "soft_limit_count") == 4 * 300 == shared.backlog_count
    assert value(plan_of(limits), "lasting_rps") == 6


@pytest.mark.parametrize(("trigger", "configured"), [({}, None), ({"dispatch.trigger": "schedule"}, "schedule")])
def test_the_drain_is_shown_with_its_reason_and_beside_what_overrides_it(
    trigger: dict[str, Any], configured: str | None
) -> None:
    document = {name: value for name, value in VENDOR_DOCUMENT["dispatch"].items() if name != "trigger"}
    drawn = line(plan_of({"limits": [limit(1, 1)], "dispatch": document, **trigger}), "trigger")
    assert (drawn.value, drawn.configured, drawn.numbers) == ("event_source", configured, "1 >= 0.2")
    assert "chosen so where `dispatch.trigger` says nothing" in drawn.note
