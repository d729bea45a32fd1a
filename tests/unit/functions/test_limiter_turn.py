"""The last step before the socket: slots are kept to the microsecond, missed ones are never used late."""

import pytest

from functions.contract.vendor import Limit, Scope
from functions.errors import RetryLater
from functions.limiter.budget import Budget
from functions.limiter.permits import rule_of
from functions.limiter.turn import GRACE_US, PATIENCE_US, Turn
from tests.unit.functions.books import MemoryBookStore, VirtualClock

RULE = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000)


def setup(clock: VirtualClock) -> Budget:
    return Budget(MemoryBookStore(), "replicate#submit", RULE, clock.epoch_us)


def test_a_call_leaves_at_its_slot() -> None:
    clock = VirtualClock()
    budget = setup(clock)
    [permit] = budget.book(1, 500_000)
    Turn(budget, permit, clock.epoch_us, clock.sleep_us).take()
    assert clock.now_us == permit.slot_us


def test_a_missed_slot_is_booked_anew_and_not_sent_late() -> None:
    clock = VirtualClock()
    budget = setup(clock)
    [permit, _] = budget.book(2, 0)
    clock.now_us = permit.slot_us + GRACE_US + 1
    turn = Turn(budget, permit, clock.epoch_us, clock.sleep_us)
    turn.take()
    assert turn.missed_count == 1
    assert clock.now_us >= permit.slot_us + 2 * RULE.interval_us, "behind everybody who had booked"


def test_a_caller_that_oversleeps_tries_again_at_another_slot() -> None:
    clock = VirtualClock(oversleep_us=GRACE_US + 1)
    budget = setup(clock)
    [permit] = budget.book(1, 500_000)
    turn = Turn(budget, permit, clock.epoch_us, clock.sleep_us)

    def awake(duration_us: int) -> None:
        clock.sleep_us(duration_us)
        clock.oversleep_us = 0 if clock.now_us > permit.slot_us else clock.oversleep_us

    turn._sleep_us = awake
    turn.take()
    assert turn.missed_count == 1


def test_a_brake_after_the_booking_voids_the_permit() -> None:
    clock = VirtualClock()
    budget = setup(clock)
    [permit] = budget.book(1, 500_000)
    start_us = clock.now_us
    budget.brake(5_000_000)
    Turn(budget, permit, clock.epoch_us, clock.sleep_us).take()
    assert clock.now_us >= start_us + 5_000_000


def test_a_second_attempt_takes_a_permit_of_its_own() -> None:
    clock = VirtualClock()
    budget = setup(clock)
    [permit] = budget.book(1, 500_000)
    turn = Turn(budget, permit, clock.epoch_us, clock.sleep_us)
    turn.take()
    first_us = clock.now_us
    turn.take()
    assert clock.now_us >= first_us + RULE.interval_us


def test_a_slot_that_is_far_away_is_left_to_the_workflow_to_wait_for() -> None:
    clock = VirtualClock()
    budget = setup(clock)
    budget.brake(PATIENCE_US + 5_000_000)
    with pytest.raises(RetryLater) as caught:
        Turn(budget, None, clock.epoch_us, clock.sleep_us).take()
    assert caught.value.retry_after_s == pytest.approx(15, abs=0.1)
