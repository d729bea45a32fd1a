"""What a plan says of measured calls: their times, the headroom that these imply, and its price."""

from dataclasses import replace
from typing import Any

import pytest
from headway_lane.contract.tuning import AUTO, DEFAULT_HEADROOM_MS, LEARNED_HEADROOM_LIMIT_MS
from headway_lane.limiter.core.measured import ENOUGH_COUNT, UNMEASURED, Measured, Sample

from headway.planning.measurement import Measurement, measurement_of
from headway.planning.plan import plan
from tests.unit.headway.planning.situations import codes, limit, line, situation_of

SECOND: dict[str, Any] = {"limits": [limit(20, 1)], "dispatch.provisioned_concurrency": 2}


def measured(count: int, *, spread_ms: int = 0, answer_ms: int = 80) -> Measured:
    """Remember calls that leave 4 ms after their slots, and are answered up to so much later than the promptest."""
    answers_us = [answer_ms * 1_000 + spread_ms * 1_000 * index // max(1, count - 1) for index in range(count)]
    return UNMEASURED.adding([Sample(4_000, answered_us) for answered_us in answers_us])


def found(calls: Measured, changes: dict[str, Any] | None = None) -> Measurement | None:
    situation = situation_of({**SECOND, **(changes or {})}, headroom_ms=None)
    return measurement_of(calls, situation.vendor, situation.tuning)


def test_quantiles_are_the_ends_of_their_classes() -> None:
    seen = found(measured(100, spread_ms=40))
    assert seen is not None
    assert (seen.calls_count, seen.enough, seen.answers_tell) == (100, True, True)
    assert (seen.slot_to_socket.p50_ms, seen.slot_to_socket.p99_ms) == (5, 5)
    assert (seen.socket_to_answer.p50_ms, seen.socket_to_answer.p90_ms, seen.socket_to_answer.p99_ms) == (100, 120, 120)
    assert seen.latency_ms == 100
    assert seen.least_answer_ms is not None
    assert 70 < seen.least_answer_ms < 80


@pytest.mark.parametrize(
    ("spread_ms", "headroom_ms"), [(0, DEFAULT_HEADROOM_MS), (40, 40), (100, 95), (160, LEARNED_HEADROOM_LIMIT_MS)]
)
def test_the_headroom_covers_most_of_the_spread_within_its_bounds(spread_ms: int, headroom_ms: int) -> None:
    seen = found(measured(100, spread_ms=spread_ms))
    assert seen is not None
    assert seen.headroom_ms == headroom_ms
    assert seen.headroom_percent == pytest.approx(100 * (1 - 1 / (1 + seen.headroom_ms / 1_000)), abs=0.01)


def test_answers_that_are_spread_too_far_tell_nothing() -> None:
    seen = found(measured(100, spread_ms=2_000))
    assert seen is not None
    assert not seen.answers_tell
    assert any("tell nothing about the arrival" in said for said in seen.lines())


def test_too_few_calls_imply_half_of_the_widest_and_say_so() -> None:
    seen = found(measured(ENOUGH_COUNT - 1))
    assert seen is not None
    assert (seen.enough, seen.headroom_ms, seen.least_answer_ms) == (False, LEARNED_HEADROOM_LIMIT_MS / 2, None)
    assert f"fewer than {ENOUGH_COUNT}" in seen.lines()[-1]


def test_nothing_measured_is_nothing() -> None:
    assert found(UNMEASURED) is None
    assert found(measured(100), {"dispatch.pacing": "delay"}) is None


def test_a_plan_is_that_of_the_learned_headroom_even_where_another_is_set() -> None:
    for set_ms in (None, 15):
        situation = replace(situation_of(SECOND, headroom_ms=set_ms), learned_headroom_ms=60)
        drawn = plan(situation)
        assert line(drawn, "emission_interval_us").value == 1_060_000 / 20
        assert line(drawn, "utilisation_limit").value == pytest.approx(1 / 1.06)
        assert "headroom_dear" not in codes(drawn), "nobody is told to lower what is learned"
        assert any("those of `auto`, 60 ms" in note for note in drawn.notes) is (set_ms is not None)


def test_a_headroom_that_would_be_learned_is_planned_with_its_least_and_the_plan_says_so() -> None:
    drawn = plan(situation_of(SECOND, headroom_ms=None))
    assert line(drawn, "emission_interval_us").value == (1_000_000 + DEFAULT_HEADROOM_MS * 1_000) / 20
    [note] = drawn.notes
    assert note.startswith(f"`headroom_ms: {AUTO}` is planned with its least, {DEFAULT_HEADROOM_MS} ms")
    assert plan(situation_of(SECOND, headroom_ms=15)).notes == []
    assert plan(situation_of({**SECOND, "dispatch.pacing": "delay"}, headroom_ms=None)).notes == []


def test_a_dear_headroom_is_to_be_lowered_where_it_is_set_only() -> None:
    short = {**SECOND, "limits": [limit(5, 0.25)]}
    assert "headroom_dear" in codes(plan(situation_of(short, headroom_ms=15)))
    assert "headroom_dear" not in codes(plan(situation_of(short, headroom_ms=None)))


def test_a_cap_is_warned_of_where_the_contract_gives_more_in_a_day() -> None:
    whole_count = 20 * 86_400
    for amount, warned in ((None, False), (whole_count, False), (whole_count - 1, True)):
        assert ("day_cap_below_contract" in codes(plan(situation_of(SECOND, day_amount=amount)))) is warned


def test_a_warning_names_the_headroom_that_was_learned() -> None:
    situation = situation_of(SECOND, headroom_ms=15, answers_prove_arrival=True)
    [warning] = plan(replace(situation, learned_headroom_ms=60)).warnings
    assert "the headroom is 60 ms" in warning.text
