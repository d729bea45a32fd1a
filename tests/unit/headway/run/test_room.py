from typing import Any

import pytest
from headway_lane.contract.vendor import Vendor
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.run.room import Room, RoomRule
from tests.unit.headway.planning.situations import limit
from tests.unit.headway_lane.fakes import vendor_of

COUNTS = st.integers(min_value=0, max_value=10_000)
RULES = st.builds(
    lambda limit_count, seed_count, span_s, jobs: RoomRule(
        limit_count, min(limit_count, seed_count), span_s, jobs_in_flight=jobs
    ),
    st.integers(1, 10_000),
    st.integers(1, 100),
    st.floats(1, 1_000),
    st.none() | st.integers(1, 100),
)


def slow(tolerated_s: int, **more: Any) -> Vendor:
    return vendor_of({"limits": [limit(2, 1)], "waits.tolerated_s": tolerated_s, **more})


@given(rule=RULES, waiting=COUNTS, others=COUNTS, taken=COUNTS, at_vendor=COUNTS)
def test_what_is_started_never_lifts_what_waits_above_the_soft_limit(
    rule: RoomRule, waiting: int, others: int, taken: int, at_vendor: int
) -> None:
    room = rule.room_count(waiting, others, taken, at_vendor)
    assert room >= 0
    assert room == 0 or waiting + others + room <= rule.limit_count


@given(rule=RULES, waiting=COUNTS, others=COUNTS, taken=COUNTS)
def test_more_that_wait_leave_less_room_and_more_that_was_taken_leaves_more(
    rule: RoomRule, waiting: int, others: int, taken: int
) -> None:
    room = rule.room_count(waiting, others, taken)
    assert rule.room_count(waiting + 1, others, taken) <= room
    assert rule.room_count(waiting, others + 1, taken) <= room
    assert rule.room_count(waiting, others, taken + 1) >= room


@given(rate=st.floats(0.001, 100), tolerated_s=st.integers(10, 3_600))
def test_at_any_steady_pace_a_call_waits_for_half_of_what_it_may_and_the_seed(rate: float, tolerated_s: int) -> None:
    """By Little's law: a window of what was taken in half of the time, at that same pace."""
    rule = RoomRule(limit_count=10**9, seed_count=1, span_s=tolerated_s / 2)
    waiting = rule.room_count(0, 0, taken_count=int(rate * tolerated_s / 2))
    assert waiting <= rate * tolerated_s / 2 + 1 + 1e-9, "the last for what binary fractions lose"


@settings(deadline=None)  # a walk through minutes, half a second at a time
@given(
    rates=st.lists(st.floats(0.2, 50), min_size=1, max_size=6),
    tolerated_s=st.integers(10, 60),
    limit_count=st.integers(1, 5_000),
)
def test_a_lane_of_changing_pace_never_holds_more_than_the_limit_and_never_runs_dry(
    rates: list[float], tolerated_s: int, limit_count: int
) -> None:
    room = Room(RoomRule(limit_count, min(limit_count, 4), tolerated_s / 2))
    owed = now_s = 0.0
    for rate in rates:
        for _ in range(2 * tolerated_s):
            now_s += 0.5
            room.waiting_count += room.room_count(now_s)
            assert 1 <= room.waiting_count <= limit_count
            owed += rate / 2
            while owed >= 1 and room.waiting_count:
                owed -= 1
                room.waiting_count -= 1
                room.took(now_s)
            owed = min(owed, 1.0)


def test_what_was_taken_longer_ago_than_half_of_the_tolerated_wait_does_not_count() -> None:
    room = Room(RoomRule(limit_count=100, seed_count=2, span_s=10))
    for now_s in (0.0, 0.0, 5.0):
        room.took(now_s)
    assert [room.room_count(now_s) for now_s in (5, 9.5, 10, 14.5, 15)] == [5, 5, 3, 3, 2]


def test_calls_of_others_take_room_from_the_soft_limit_and_ours_are_not_counted_twice() -> None:
    room = Room(RoomRule(limit_count=10, seed_count=10, span_s=10), waiting_count=4)
    room.look(depth_count=9)
    assert (room.others_count, room.room_count(0)) == (5, 1)
    room.look(depth_count=2)
    assert (room.others_count, room.room_count(0)) == (0, 6)


@given(
    rounds_s=st.lists(st.floats(0.01, 10), min_size=1, max_size=50),
    starts_per_s=st.floats(0.01, 1_000),
    limit_count=st.integers(1, 5_000),
)
def test_however_much_room_there_is_lines_are_started_at_a_pace(
    rounds_s: list[float], starts_per_s: float, limit_count: int
) -> None:
    """From one round to the next no more than that pace makes of the time in between, and a line."""
    room = Room(RoomRule(limit_count, limit_count, span_s=1_000, starts_per_s=starts_per_s))
    now_s = 0.0
    room.begin_round(now_s)
    while room.may_start(now_s):
        room.start()
    for round_s in rounds_s:
        before_count, now_s = room.waiting_count, now_s + round_s
        room.begin_round(now_s)
        while room.may_start(now_s):
            room.start()
        assert room.waiting_count - before_count <= max(1, starts_per_s * round_s)
        assert room.waiting_count == limit_count or room.waiting_count > before_count, "no round is for nothing"


def test_a_short_patience_makes_a_small_limit() -> None:
    assert RoomRule.of(slow(20), urgent=False) == RoomRule(limit_count=40, seed_count=4, span_s=10, starts_per_s=4)


def test_a_contract_without_room_for_a_waiting_call_lets_one_wait_all_the_same() -> None:
    rule = RoomRule.of(vendor_of({"limits": [limit(1, 60)], "waits.tolerated_s": 50}), urgent=False)
    assert (rule.limit_count, rule.room_count(0, 0, 0), rule.room_count(1, 0, 0)) == (1, 1, 0)


def test_urgent_calls_have_their_dispatchers_share() -> None:
    vendor = slow(20, **{"dispatch.urgent_concurrency": 2, "dispatch.maximum_concurrency": 2})
    assert RoomRule.of(vendor, urgent=True).limit_count == vendor.urgent_limit_count == 20


def test_a_queue_that_a_schedule_drains_is_filled_for_the_next_drain() -> None:
    drained = {"dispatch.trigger": "schedule", "dispatch.interval_minutes": 1}
    assert RoomRule.of(slow(300, **drained), urgent=False).seed_count == 2 * 60


@pytest.mark.parametrize(("at_vendor", "taken", "room"), [(0, 0, 3), (2, 0, 1), (3, 0, 0), (7, 0, 0), (3, 5, 5)])
def test_where_jobs_in_flight_are_limited_calls_wait_for_the_free_ones_and_as_many_as_were_taken_lately(
    at_vendor: int, taken: int, room: int
) -> None:
    assert RoomRule(100, 20, 10, jobs_in_flight=3).room_count(0, 0, taken, at_vendor) == room
