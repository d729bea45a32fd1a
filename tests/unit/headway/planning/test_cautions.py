"""What a plan warns of: each contradiction by its code, and none where there is none."""

import re
from typing import Any

import pytest
from hypothesis import given, settings

from headway.planning.cautions import CAUTIONS
from headway.planning.plan import plan
from headway.planning.situation import Situation
from tests.unit.headway.planning.situations import codes, in_flight, limit, plan_of, situations

SOUND: dict[str, Any] = {"limits": [limit(10, 1)], "dispatch.provisioned_concurrency": 1}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "jobs_in_flight_bind": ({"limits": [limit(10, 1), in_flight(30)]}, {"job_s": 5}),
    "limit_out_of_reach": ({"limits": [limit(10, 1), limit(601, 60)]}, {}),
    "drain_by_schedule": ({"limits": [limit(1, 90)]}, {}),
    "schedule_below_contract": ({"dispatch.trigger": "schedule"}, {}),
    "floors_on_every_call": ({}, {"answers_prove_arrival": True}),
    "floors_too_late": ({"limits": [limit(5, 0.5)]}, {"answers_prove_arrival": True, "latency_ms": 440}),
    "latency_above_timeout": ({"submit.timeout_s": 2}, {"latency_ms": 2_000}),
    "headroom_dear": ({"limits": [limit(5, 0.25)]}, {}),
    "batch_outlives_dispatcher": ({}, {"rate_per_s": 0.5}),
    "batch_unfair": ({"dispatch.batch_size": 11, "dispatch.batching_window_s": 1}, {}),
    "quota_stalls_dispatcher": ({"limits": [limit(20, 1), limit(300, 60)]}, {"rate_per_s": 20}),
    "slots_far_apart": ({"limits": [limit(1, 90)]}, {}),
    "visibility_above_heartbeat": ({"dispatch.pacing": "delay", "waits.tolerated_s": 99, "waits.answer_s": 99}, {}),
    "tolerated_wait_short": ({"waits.tolerated_s": 1}, {}),
    "soft_limit_zero": ({"limits": [limit(1, 60)], "waits.tolerated_s": 50}, {}),
    "polls_slower_than_submits": ({"limits": [limit(10, 1), limit(9, 1, "poll")]}, {}),
    "cold_dispatchers": ({"dispatch.provisioned_concurrency": 0}, {}),
    "reserved_below_maximum": ({"dispatch.reserved_concurrency": 1}, {}),
    "urgent_dispatchers_idle": ({"dispatch.pacing": "delay", "dispatch.urgent_concurrency": 2}, {}),
    "contention": ({"dispatch.maximum_concurrency": 13, "dispatch.reserved_concurrency": 13}, {}),
    "day_cap_below_contract": ({}, {"day_amount": 1_000}),
    "rate_above_contract": ({}, {"rate_per_s": 10.5}),
}


@pytest.mark.parametrize("code", CASES)
def test_a_contradiction_is_warned_of(code: str) -> None:
    changes, rest = CASES[code]
    assert code in codes(plan_of(SOUND | changes, **rest))


def test_a_sound_contract_is_not_warned_of() -> None:
    assert codes(plan_of(SOUND)) == set()


def test_a_large_batch_is_told_what_waits_behind_it() -> None:
    drawn = plan_of(SOUND | {"dispatch.batch_size": 100, "dispatch.batching_window_s": 3, "limits": [limit(50, 1)]})
    [text] = [warning.text for warning in drawn.warnings if warning.code == "batch_unfair"]
    assert text.startswith("2 dispatchers hold up to 200 calls, 4.06 s of what is predicted: who comes next waits")
    assert "is seen again after 207 s. A call that comes alone waits 3 s. Lower `batch_size`; 10 is" in text


def test_a_batch_that_outlives_the_longest_function_is_warned_of() -> None:
    large = {"dispatch.batch_size": 5_000, "dispatch.batching_window_s": 1}
    assert "batch_outlives_dispatcher" in codes(plan_of(SOUND | large))
    assert "batch_outlives_dispatcher" not in codes(plan_of(SOUND | large | {"dispatch.batch_size": 4_000}))


def test_a_batching_window_is_part_of_the_wait_that_a_contract_has_to_tolerate() -> None:
    waits = {"waits.tolerated_s": 20, "dispatch.batching_window_s": 19}
    assert "tolerated_wait_short" in codes(plan_of(SOUND | waits))
    assert "tolerated_wait_short" not in codes(plan_of(SOUND | waits | {"dispatch.batching_window_s": 0}))


def test_a_rate_above_the_average_that_sets_the_pace_of_bursts_has_an_effect() -> None:
    drawn = plan_of({"limits": [limit(20, 1), limit(300, 60)]}, rate_per_s=15)
    assert "rate_above_contract" not in codes(drawn)


def test_a_rate_is_not_blamed_for_being_the_least_that_can_be_said() -> None:
    assert "rate_above_contract" not in codes(plan_of({"limits": [limit(1, 90)]}, rate_per_s=0.1))


def test_every_caution_has_a_case() -> None:
    assert [caution.code for caution in CAUTIONS] == list(CASES)


@given(situation=situations())
@settings(max_examples=200, deadline=None)
def test_every_text_has_its_numbers_put_in(situation: Situation) -> None:
    for warning in plan(situation).warnings:
        assert not re.search(r"[{}]|\binf\b|\bnan\b", warning.text), warning


def test_the_schedule_is_named_with_its_interval() -> None:
    [text] = [
        warning.text for warning in plan_of({"limits": [limit(1, 90)]}).warnings if warning.code == "drain_by_schedule"
    ]
    assert "`trigger: schedule`, `interval_minutes: 2`, `batch_size: 1`" in text


def test_a_rare_contract_that_follows_the_recommendation_is_not_warned_of() -> None:
    dispatch = {"dispatch.trigger": "schedule", "dispatch.interval_minutes": 2, "dispatch.batch_size": 1}
    waits = {"waits.tolerated_s": 900, "waits.answer_s": 3_600}
    assert codes(plan_of({"limits": [limit(1, 90)]} | dispatch | waits)) == set()


def test_a_quota_has_no_floors_that_slow_answers_could_put() -> None:
    drawn = plan_of({"limits": [limit(300, 60)]}, answers_prove_arrival=True, latency_ms=900)
    assert "floors_on_every_call" not in codes(drawn)


def test_slow_answers_are_fine_where_the_operator_says_that_they_prove_nothing() -> None:
    assert "floors_on_every_call" not in codes(plan_of(SOUND, answers_prove_arrival=False, latency_ms=900))


def test_plain_pacing_is_not_warned_of_what_permits_need() -> None:
    drawn = plan_of(SOUND | {"dispatch.pacing": "delay"}, answers_prove_arrival=True, headroom_ms=250)
    assert codes(drawn) & {"floors_on_every_call", "floors_too_late", "headroom_dear", "contention"} == set()


def words(limits: list[dict[str, Any]]) -> str:
    return "".join(
        warning.text for warning in plan_of({"limits": limits}).warnings if warning.code == "limit_out_of_reach"
    )


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ([limit(10, 1), limit(600, 60)], ""),
        ([limit(10, 1), limit(601, 60)], "601 calls of scope `submit` in 60 s"),
        ([limit(10, 1), limit(5, 60)], "10 calls of scope `submit` in 1 s"),
        ([limit(10, 1), limit(8, 0.5)], ""),
        ([limit(10, 1), limit(10, 0.5)], ""),
        ([limit(10, 1), limit(11, 1, "any")], ""),
        ([limit(10, 1), limit(5, 1, "poll"), limit(16, 1, "any")], "16 calls of scope `any` in 1 s"),
        ([limit(10, 1), limit(9, 1, "any")], "10 calls of scope `submit` in 1 s"),
        ([limit(1, 3600), in_flight(1)], ""),
        ([limit(1, 3600), in_flight(2)], "2 jobs in flight"),
    ],
)
def test_a_limit_that_others_keep_out_of_reach_is_named(limits: list[dict[str, Any]], said: str) -> None:
    assert (said in words(limits)) is True
    assert bool(words(limits)) is bool(said)


def test_in_flight_permits_that_are_enough_for_the_rate_are_not_warned_of() -> None:
    assert "jobs_in_flight_bind" not in codes(plan_of({"limits": [limit(10, 1), in_flight(100)]}, job_s=5))
