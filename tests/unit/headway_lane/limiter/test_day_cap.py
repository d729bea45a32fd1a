"""The cap of a day (UTC) on an operator's calls: it holds whoever calls, over the day's end, and counts a call once."""

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.contract.tuning import Tuning
from headway_lane.limiter.budget import Budget, budget_of
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.dispatching import BatchTurns, DayCapped
from headway_lane.limiter.core.reservations import DAY_US
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.turn import Turn
from headway_lane.runtime.errors import RetryLater

from tests.unit.headway_lane.fakes import VENDOR_DOCUMENT, VirtualClock, vendor_of
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

CAP = 7
DAY = 20_000
MIDNIGHT_US = (DAY + 1) * DAY_US
NOON_US = MIDNIGHT_US - DAY_US // 2
RULE = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000, day_amount=CAP)


def budget_on(clock: VirtualClock) -> Budget:
    return Budget(MemoryReservationStore(), Changes("acme#submit", RULE, clock.epoch_us))


def test_no_more_than_the_cap_leave_on_one_day_and_the_next_one_begins_anew() -> None:
    slots_us = [permit.slot_us for permit in budget_on(VirtualClock(NOON_US)).reserve(3 * CAP, 0)]
    days = [slot_us // DAY_US for slot_us in slots_us]
    assert days == [DAY] * CAP + [DAY + 1] * CAP + [DAY + 2] * CAP
    assert slots_us[CAP] == MIDNIGHT_US


def test_a_batch_that_runs_over_the_end_of_a_day_counts_each_call_on_its_own() -> None:
    clock = VirtualClock(MIDNIGHT_US - 4 * RULE.emission_interval_us)
    permits = budget_on(clock).reserve(4 + CAP + 1, 0)
    assert [permit.slot_us // DAY_US - DAY for permit in permits] == [0] * 4 + [1] * CAP + [2]


def test_a_clock_that_is_behind_spends_nothing_of_the_day_before() -> None:
    clock = VirtualClock(MIDNIGHT_US + 1)
    budget = budget_on(clock)
    budget.reserve(CAP, 0)
    clock.now_us = MIDNIGHT_US - 5_000_000
    [permit] = budget.reserve(1, 0)
    assert permit.slot_us >= MIDNIGHT_US + DAY_US


def test_a_permit_that_was_missed_is_not_counted_twice() -> None:
    clock = VirtualClock(NOON_US)
    budget = budget_on(clock)
    permits = budget.reserve(CAP, 0)
    clock.now_us = permits[-1].slot_us + 400_000
    for permit in permits:
        turn = Turn(budget, permit, clock.epoch_us, clock.sleep_us)
        turn.take()
        assert turn.missed_count == 1
    assert clock.now_us < MIDNIGHT_US
    assert budget.look().day_count == CAP
    with pytest.raises(RetryLater):
        Turn(budget, None, clock.epoch_us, clock.sleep_us).take()


def test_what_is_given_back_is_not_counted() -> None:
    budget = budget_on(VirtualClock(NOON_US))
    permits = budget.reserve(CAP, 0)
    budget.cancel(permits[3:])
    assert budget.look().day_count == 3
    assert budget.reserve(CAP - 3, 0) == permits[3:]
    assert budget.first_free_us() == MIDNIGHT_US


def test_a_lane_pauses_with_the_reason_until_the_next_day() -> None:
    clock = VirtualClock(NOON_US)
    budget = budget_on(clock)
    budget.reserve(CAP, 0)
    clock.now_us += 10_000_000
    run = budget.runner(clock.epoch_us, clock.sleep_us).run
    with pytest.raises(DayCapped) as capped:
        run(BatchTurns(budget.changes, 10, clock.epoch_us).take())
    assert capped.value.retry_after_s == pytest.approx((MIDNIGHT_US - clock.now_us) / 1_000_000, abs=1)
    assert clock.slept_us == []
    clock.now_us = MIDNIGHT_US
    assert run(BatchTurns(budget.changes, 10, clock.epoch_us).take()) is None, "it is idle: the call leaves at once"


def test_without_a_cap_a_far_slot_is_not_called_capped() -> None:
    clock = VirtualClock(NOON_US)
    budget = budget_on(clock)
    budget.cool_down(60_000_000)
    with pytest.raises(RetryLater) as later:
        budget.runner(clock.epoch_us, clock.sleep_us).run(BatchTurns(budget.changes, 1, clock.epoch_us).take())
    assert not isinstance(later.value, DayCapped)


def test_the_cap_is_on_submits_and_not_on_polls() -> None:
    poll = {"quantity": "calls", "amount": 50, "per_s": 1, "scope": "poll"}
    vendor, clock = vendor_of({"limits": [*VENDOR_DOCUMENT["limits"], poll]}), VirtualClock(NOON_US)
    tuning = Tuning(delay_ms=0, rate_per_s=10, day_amount=CAP)
    for scope, amount in ((Scope.SUBMIT, CAP), (Scope.POLL, None)):
        budget = budget_of(MemoryReservationStore(), vendor, scope, tuning, clock.epoch_us, clock.sleep_us)
        assert budget is not None
        assert budget.rule.day_amount == amount
