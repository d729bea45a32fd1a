"""Never more than the contract in any half-open window at the vendor's door, whatever the callers do."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from unittest.mock import patch

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.core import rule as rules
from headway_lane.limiter.core.reservations import (
    Floor,
    Permit,
    Reservations,
    cancel,
    late,
    no_reservations,
    rebase,
    reserve,
    slot_now,
)
from headway_lane.limiter.core.rule import Rule, rule_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st

LIMITS = st.lists(
    st.builds(
        Limit,
        amount=st.integers(1, 60),
        per_s=st.sampled_from([0.5, 1, 3, 7, 10, 60]),
        scope=st.just(Scope.SUBMIT),
    ),
    min_size=1,
    max_size=3,
)
RESERVATIONS = st.lists(
    st.tuples(
        st.integers(0, 90_000_000),  # the dispatcher's clock: ahead, behind, stepping back
        st.integers(1, 10),  # batch
    ),
    min_size=1,
    max_size=40,
)


def worst_window(arrivals_us: Sequence[int], per_us: int) -> int:
    ordered = sorted(arrivals_us)
    return max((bisect_left(ordered, start + per_us) - index for index, start in enumerate(ordered)), default=0)


def slots_of(permitted: Sequence[Permit]) -> list[int]:
    return [permit.slot_us for permit in permitted]


def arrivals_of(
    limits: Sequence[Limit], headroom_us: int, reservations: Sequence[tuple[int, int]], data: st.DataObject
) -> list[int]:
    rule = rule_of(limits, headroom_us)
    state = no_reservations(rule)
    arrivals = []
    for clock_us, count in reservations:
        state, permitted = reserve(rule, state, clock_us, count)
        for slot in slots_of(permitted):
            crashed = data.draw(st.booleans(), label="crashed between reservation and sending")
            jitter = data.draw(st.integers(0, max(headroom_us - 1, 0)), label="jitter")
            if not crashed:
                arrivals.append(slot + jitter)
    return arrivals


@given(limits=LIMITS, headroom_us=st.integers(1, 200_000), reservations=RESERVATIONS, data=st.data())
@settings(max_examples=150, deadline=None)
def test_no_window_of_any_limit_ever_holds_more_than_its_amount(
    limits: list[Limit], headroom_us: int, reservations: list[tuple[int, int]], data: st.DataObject
) -> None:
    arrivals = arrivals_of(limits, headroom_us, reservations, data)
    for limit in limits:
        assert worst_window(arrivals, int(limit.per_s * 1_000_000)) <= limit.amount


def saturated(limits: Sequence[Limit], late_us: int, *, floors: bool) -> list[int]:
    """Arrivals of 200 calls, each reserved half a second ahead; every 30th arrives `late_us` after its slot, and is
    answered then.
    """
    rule = rule_of(limits, 15_000)
    state, arrivals = no_reservations(rule), []
    answers: list[tuple[int, Permit]] = []
    for _ in range(200):
        now_us = state.theoretical_arrival_us - 500_000
        for answered_us, permit in [answer for answer in answers if answer[0] <= now_us]:
            answers.remove((answered_us, permit))
            state = late(rule, state, permit, answered_us) if floors else state
        state, [permit] = reserve(rule, state, 0, 1)
        arrivals.append(permit.slot_us + (late_us if permit.number % 30 == 10 else 0))
        if permit.number % 30 == 10:
            answers.append((arrivals[-1] + 1, permit))
    return arrivals


@pytest.mark.parametrize("late_us", [100_000, 400_000])
def test_a_call_that_breaks_the_headroom_breaks_the_window_without_its_floor_and_with_it_does_not(late_us: int) -> None:
    limits = [Limit(20, 1, Scope.SUBMIT)]
    assert worst_window(saturated(limits, late_us, floors=False), 1_000_000) > 20
    assert worst_window(saturated(limits, late_us, floors=True), 1_000_000) == 20


def slots_now(rule: Rule, permitted: Sequence[Permit], state: Reservations) -> list[int | None]:
    return [slot_now(rule, permit, state) for permit in permitted]


def test_a_floor_that_comes_too_late_shifts_what_is_reserved_above_it_and_spares_the_rest() -> None:
    rule = rule_of([Limit(4, 1, Scope.SUBMIT)], 20_000)
    state, permitted = reserve(rule, no_reservations(rule), 0, 8)
    told = late(rule, state, permitted[0], 600_000)
    by_us = 600_000 - rule.headroom_us
    assert slots_now(rule, permitted, told) == [
        permit.slot_us + (by_us if permit.number >= 4 else 0) for permit in permitted
    ]
    _, anew = reserve(rule, told, 0, 4)
    assert anew[0].slot_us == permitted[-1].slot_us + by_us + rule.emission_interval_us, (
        "the next one follows without a gap"
    )
    assert slots_now(rule, anew, told) == slots_of(anew)


def test_who_was_less_late_than_a_neighbour_before_writes_nothing() -> None:
    rule = rule_of([Limit(20, 1, Scope.SUBMIT)], 20_000)
    state, permitted = reserve(rule, no_reservations(rule), 0, 8)
    state = late(rule, state, permitted[0], permitted[0].slot_us + 100_000)
    assert state.floors == (Floor(20, permitted[0].slot_us + 1_100_000),)
    assert late(rule, state, permitted[1], permitted[1].slot_us + 90_000) == state
    more = late(rule, state, permitted[1], permitted[1].slot_us + 120_000)
    assert more.floors[-1] == Floor(21, permitted[1].slot_us + 1_120_000)
    given_back = cancel(rule, state, permitted[4:])
    _, [*_, successor] = reserve(rule, given_back, 0, 18)
    assert successor.number == 21
    assert successor.slot_us >= permitted[1].slot_us + 1_090_000, "giving back does not bring it closer"


def test_late_answers_of_neighbours_shift_by_the_longest_and_not_by_their_sum() -> None:
    rule = rule_of([Limit(4, 1, Scope.SUBMIT)], 20_000)
    state, permitted = reserve(rule, no_reservations(rule), 0, 8)
    for permit, late_us in zip(permitted[:3], (100_000, 130_000, 90_000), strict=True):
        state = late(rule, state, permit, permit.slot_us + late_us)
    moved = slots_now(rule, permitted, state)
    assert [now_us - permit.slot_us for now_us, permit in zip(moved, permitted, strict=True) if now_us is not None] == [
        *[0, 0, 0, 0],
        *[80_000, 110_000, 110_000, 110_000],
    ]


def test_a_shift_of_more_than_a_grain_voids_what_a_quota_has_counted_elsewhere() -> None:
    rule = rule_of([Limit(4, 1, Scope.SUBMIT), Limit(40, 15, Scope.SUBMIT)], 20_000)
    state, permitted = reserve(rule, no_reservations(rule), 0, 5)
    grain_us = rule.quotas[0].grain_us
    near = late(rule, state, permitted[0], grain_us)
    far = late(rule, state, permitted[0], grain_us + 1)
    assert [permitted[4].slot_us + grain_us - 20_000, None] == [
        slot_now(rule, permitted[4], told) for told in (near, far)
    ]


def test_a_shift_is_forgotten_when_nobody_can_be_waiting_who_does_not_know_it() -> None:
    rule = rule_of([Limit(4, 1, Scope.SUBMIT)], 20_000)
    state, permitted = reserve(rule, no_reservations(rule), 0, 8)
    state = late(rule, state, permitted[0], 600_000)
    assert len(state.shifts) == 1
    state, _ = reserve(rule, state, 0, 200)
    assert (state.shifts, state.shifted_us) == ((), 580_000)
    _, [following] = reserve(rule, state, 0, 1)
    assert slot_now(rule, following, state) == following.slot_us


@given(
    reserved_count=st.integers(5, 12),
    answers=st.lists(st.tuples(st.integers(0, 4), st.integers(20_001, 900_000)), min_size=1, max_size=6),
    given_back_count=st.integers(0, 3),
)
def test_whatever_shifts_and_goes_back_successors_keep_their_distance(
    reserved_count: int, answers: list[tuple[int, int]], given_back_count: int
) -> None:
    rule = rule_of([Limit(3, 1, Scope.SUBMIT)], 20_000)
    state, permitted = reserve(rule, no_reservations(rule), 0, reserved_count)
    told: dict[int, int] = {}
    for number, after_us in answers:
        if number < reserved_count - given_back_count:
            answered_us = (slot_now(rule, permitted[number], state) or 0) + after_us
            told[number] = max(told.get(number, 0), answered_us)
            state = late(rule, state, permitted[number], answered_us)
    kept = permitted[: reserved_count - given_back_count]
    state = cancel(rule, state, permitted[len(kept) :])
    state, anew = reserve(rule, state, 0, 6)
    slots = [slot for slot in slots_now(rule, [*kept, *anew], state) if slot is not None]
    assert all(after - before >= rule.emission_interval_us for before, after in pairwise(slots))
    assert all(slots[number + 3] >= answered_us + 1_000_000 for number, answered_us in told.items())


def test_a_late_answer_to_a_call_that_nobody_has_reserved_behind_moves_nothing() -> None:
    rule = rule_of([Limit(4, 1, Scope.SUBMIT)], 20_000)
    state, permitted = reserve(rule, no_reservations(rule), 0, 3)
    told = late(rule, state, permitted[0], 5_000_000)
    assert slots_now(rule, permitted, told) == slots_of(permitted)


def test_a_late_call_is_counted_in_a_quota_where_it_may_have_arrived() -> None:
    rule = rule_of([Limit(1, 60, Scope.SUBMIT)], 15_000)
    state, [permit] = reserve(rule, no_reservations(rule), 0, 1)
    for reserved_by, from_us in ((state, 60_000_000), (late(rule, state, permit, 20_000_000), 80_000_000)):
        _, [following] = reserve(rule, reserved_by, 0, 1)
        assert from_us < following.slot_us <= from_us + 3 * rule.quotas[0].grain_us


def test_permits_that_are_given_back_are_reserved_again_and_a_floor_between_them_still_holds() -> None:
    rule = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000)
    state, [first] = reserve(rule, no_reservations(rule), 0, 1)
    state = late(rule, state, first, 2_000_000)
    state, permitted = reserve(rule, state, 0, 25)
    again, anew = reserve(rule, cancel(rule, state, permitted[10:]), 0, 15)
    assert anew == permitted[10:]
    assert again.theoretical_arrival_us == state.theoretical_arrival_us


def test_a_gap_that_somebody_else_left_holds_after_both_have_given_back() -> None:
    rule = rule_of([Limit(2, 10, Scope.SUBMIT)], 15_000)
    state, ours = reserve(rule, no_reservations(rule), 0, 2)
    state, theirs = reserve(rule, state, 0, 2)
    state = cancel(rule, cancel(rule, state, theirs), ours)
    assert reserve(rule, state, 0, 4)[1] == (*ours, *theirs)


def test_permits_that_somebody_has_reserved_behind_or_that_are_void_are_not_given_back() -> None:
    rule = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000)
    state, ours = reserve(rule, no_reservations(rule), 0, 5)
    behind, _ = reserve(rule, state, 0, 1)
    cooled_down = rebase(state, 0, 5_000_000)
    assert cancel(rule, behind, ours) == behind
    assert cancel(rule, cooled_down, ours) == cooled_down
    assert cancel(rule, state, ()) == state


@given(first=st.integers(0, 10_000_000), resume_us=st.integers(0, 1_000_000))
def test_a_short_cool_down_never_lets_a_slot_go_back(first: int, resume_us: int) -> None:
    rule = rule_of([Limit(3, 7, Scope.SUBMIT)], 15_000)
    state, before = reserve(rule, no_reservations(rule), first, 3)
    _, [after] = reserve(rule, rebase(state, first, first + resume_us), 0, 1)
    assert after.slot_us >= before[-1].slot_us + rule.emission_interval_us


def reserved(rule: Rule, count: int) -> list[int]:
    return slots_of(reserve(rule, no_reservations(rule), 0, count)[1])


def adversary(limits: Sequence[Limit], headroom_us: int, calls_count: int = 400) -> list[int]:
    """Arrivals of the worst case: every N-th call is as late as it may be, the ones after it are punctual."""
    rule = rule_of(limits, headroom_us)
    slots = reserved(rule, calls_count)
    amount = limits[0].amount
    return [slot + (headroom_us - 1 if index % (amount + 1) == 0 else 0) for index, slot in enumerate(slots)]


THREE_PER_SECOND = [Limit(3, 1, Scope.SUBMIT)]


def test_the_worst_case_holds_and_breaks_when_the_rounding_is_taken_out() -> None:
    assert worst_window(adversary(THREE_PER_SECOND, 1), 1_000_000) == 3
    with patch.object(rules, "ceil_div", lambda dividend, divisor: int(dividend // divisor)):
        assert worst_window(adversary(THREE_PER_SECOND, 1), 1_000_000) == 4


def test_the_worst_case_breaks_when_the_headroom_is_taken_out() -> None:
    limits, headroom_us = [Limit(20, 1, Scope.SUBMIT)], 20_000
    assert worst_window(adversary(limits, headroom_us), 1_000_000) == 20
    rule_without = rule_of(limits, 0)
    slots = reserved(rule_without, 400)
    late = [slot + (headroom_us - 1 if index % 21 == 0 else 0) for index, slot in enumerate(slots)]
    assert worst_window(late, 1_000_000) == 21


@pytest.mark.parametrize(("amount", "headroom_us"), [(20, 15_000), (35, 15_000), (10, 20_000)])
def test_a_busy_budget_reaches_the_theoretical_share_of_its_contract(amount: int, headroom_us: int) -> None:
    rule = rule_of([Limit(amount, 1, Scope.SUBMIT)], headroom_us)
    slots = reserved(rule, 1_000)
    reached = (len(slots) - 1) / ((slots[-1] - slots[0]) / 1_000_000) / amount
    assert reached == pytest.approx(1 / (1 + headroom_us / 1_000_000), abs=1e-4)


def test_a_quota_lets_a_burst_use_what_a_quiet_time_left_over_and_no_more() -> None:
    rule = rule_of([Limit(20, 1, Scope.SUBMIT), Limit(300, 60, Scope.SUBMIT)], 15_000)
    slots = reserved(rule, 900)
    assert slots[299] - slots[0] < 16_000_000, "the first 300 go at 20/s"
    assert worst_window(slots, 60_000_000) == 300
    assert slots[899] < 190_000_000, "and the rest at nearly 300 a minute"


@pytest.mark.parametrize("headroom_us", [15_000, 1_500_000])
def test_a_quota_leaves_room_for_the_headroom_wherever_in_its_grain_a_slot_is(headroom_us: int) -> None:
    rule = rule_of([Limit(1, 60, Scope.SUBMIT)], headroom_us)
    _, [first, second] = reserve(rule, no_reservations(rule), rule.quotas[0].grain_us - 1, 2)
    assert second.slot_us - first.slot_us >= 60_000_000 + headroom_us


def test_grains_that_a_slot_far_ahead_has_left_behind_still_count_when_it_is_given_back() -> None:
    limits = [Limit(3, 10, Scope.SUBMIT)]
    rule = rule_of(limits, 15_000)
    state, [first, *others] = reserve(rule, no_reservations(rule), 0, 3)
    state, ahead = reserve(rule, state, 0, 3)
    state = late(rule, cancel(rule, state, ahead), first, 2_000_000)
    _, anew = reserve(rule, state, 0, 3)
    assert worst_window([2_000_000, *slots_of(others), *slots_of(anew)], 10_000_000) <= 3


@given(first=st.integers(0, 10_000_000), until=st.integers(0, 20_000_000))
def test_a_cool_down_moves_every_free_slot_behind_it_and_voids_what_is_reserved_beyond(first: int, until: int) -> None:
    rule = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000)
    state, before = reserve(rule, no_reservations(rule), first, 5)
    cooled_down = rebase(state, from_us=first + 100_000, resume_us=until)
    _, after = reserve(rule, cooled_down, 0, 5)
    assert min(slots_of(after)) >= until
    assert [slot is not None for slot in slots_now(rule, before, cooled_down)] == [
        slot < first + 100_000 for slot in slots_of(before)
    ]
    assert slots_now(rule, after, cooled_down) == slots_of(after)


def test_a_permit_of_two_generations_ago_is_void() -> None:
    rule = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000)
    state, [permit] = reserve(rule, no_reservations(rule), 0, 1)
    assert slot_now(rule, permit, rebase(rebase(state, 10, 10), 10, 10)) is None


@given(st.integers(1, 500), st.sampled_from([1.0, 10.0, 60.0, 86_400.0]))
def test_a_budget_without_a_limit_is_refused_and_any_other_has_a_positive_interval(amount: int, per_s: float) -> None:
    assume(amount >= 1)
    assert rule_of([Limit(amount, per_s, Scope.SUBMIT)], 0).emission_interval_us > 0
    with pytest.raises(ValueError, match="no limit"):
        rule_of([], 0)
