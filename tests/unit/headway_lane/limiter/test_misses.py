"""Slots that come to nothing: a caller tries a few, further ahead each time, and then goes back to its queue."""

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.calling import GRACE_SHARE, MISSES_LIMIT, OWN_LEAD_US
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.turn import Turn
from headway_lane.runtime.errors import RetryLater

from tests.unit.headway_lane.fakes import VirtualClock
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

RULE = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000)
NOW_US = 1_000_000_000
TOO_LATE_US = RULE.headroom_us // GRACE_SHARE + 1


def budget_on(clock: VirtualClock) -> Budget:
    return Budget(MemoryReservationStore(), Changes("acme#submit", RULE, clock.epoch_us))


@pytest.mark.parametrize("has_permit", [True, False])
def test_who_misses_every_slot_goes_back_to_the_queue_after_a_few_and_burns_no_more(has_permit: bool) -> None:
    clock = VirtualClock(NOW_US, oversleep_us=TOO_LATE_US)
    budget = budget_on(clock)
    permit = budget.reserve(1, 500_000)[0] if has_permit else None
    turn = Turn(budget, permit, clock.epoch_us, clock.sleep_us)
    with pytest.raises(RetryLater, match=f"{MISSES_LIMIT} slots came to nothing"):
        turn.take()
    assert (turn.missed_count, budget.look().number) == (MISSES_LIMIT, MISSES_LIMIT)
    assert turn.cold_count == 1, "only the first can be a cold start's fault"


def test_void_slots_are_bounded_like_missed_ones() -> None:
    clock = VirtualClock(NOW_US)
    budget = budget_on(clock)
    [permit] = budget.reserve(1, 500_000)

    def cooled_down_meanwhile(duration_us: int) -> None:
        clock.sleep_us(duration_us)
        budget.cool_down(2 * (clock.now_us - NOW_US) + 1_000_000)

    turn = Turn(budget, permit, clock.epoch_us, cooled_down_meanwhile)
    with pytest.raises(RetryLater):
        turn.take()
    assert 0 < turn.missed_count <= MISSES_LIMIT
    assert budget.look().number <= MISSES_LIMIT


def test_a_caller_reserves_twice_as_far_ahead_with_each_slot_that_it_misses() -> None:
    clock = VirtualClock(NOW_US, oversleep_us=TOO_LATE_US)
    budget = budget_on(clock)
    leads_us: list[int] = []
    reserving = budget.changes.reserving

    def noted(count: int, lead_us: int, *args: object, **kwargs: object) -> object:
        leads_us.append(lead_us)
        return reserving(count, lead_us, *args, **kwargs)  # type: ignore[arg-type]

    class Noting(Changes):
        reserving = staticmethod(noted)  # type: ignore[assignment]

    changes = Noting("acme#submit", RULE, clock.epoch_us)
    turn = Turn(Budget(MemoryReservationStore(), changes), None, clock.epoch_us, clock.sleep_us)
    with pytest.raises(RetryLater):
        turn.take()
    assert leads_us == [OWN_LEAD_US << count for count in range(MISSES_LIMIT)]


def test_a_second_attempt_has_misses_of_its_own() -> None:
    clock = VirtualClock(NOW_US, oversleep_us=TOO_LATE_US)
    budget = budget_on(clock)
    turn = Turn(budget, None, clock.epoch_us, clock.sleep_us)
    with pytest.raises(RetryLater):
        turn.take()
    clock.oversleep_us = 0
    turn.take()
    assert turn.missed_count == MISSES_LIMIT
