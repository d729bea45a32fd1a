"""Late calls under a rule that has become slower, or under shifts, since their permits were reserved."""

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.reservations import slot_now
from headway_lane.limiter.core.rule import Rule, rule_of
from headway_lane.limiter.turn import Turn

from tests.unit.headway_lane.fakes import VirtualClock
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

NOW_US = 1_800_000_000_000_000


def budget_on(store: MemoryReservationStore, clock: VirtualClock, rule: Rule) -> Budget:
    return Budget(store, Changes("acme#submit", rule, clock.epoch_us, answers_prove_arrival=True))


@pytest.mark.parametrize(
    "slower",
    [
        rule_of([Limit(4, 1, Scope.SUBMIT)], 20_000, ceiling_per_s=1),
        rule_of([Limit(4, 1, Scope.SUBMIT)], 100_000),
    ],
    ids=["ceiling", "headroom"],
)
def test_a_late_call_keeps_its_successor_away_though_both_were_reserved_under_a_faster_rule(slower: Rule) -> None:
    clock, store = VirtualClock(NOW_US), MemoryReservationStore()
    rule = rule_of([Limit(4, 1, Scope.SUBMIT)], 20_000)
    permits = budget_on(store, clock, rule).reserve(8, 0)
    budget = budget_on(store, clock, slower)
    arrived_us = permits[0].slot_us + 700_000
    budget.answered(permits[0], arrived_us)
    reservations = budget.look()
    successor_us = slot_now(budget.rule, permits[4], reservations)
    assert successor_us is None or successor_us >= arrived_us + 1_000_000


def test_a_late_call_that_was_shifted_itself_shifts_its_successor_by_all_that_is_missing() -> None:
    clock, store = VirtualClock(NOW_US), MemoryReservationStore()
    rule = rule_of([Limit(4, 1, Scope.SUBMIT)], 20_000)
    budget = budget_on(store, clock, rule)
    permits = budget.reserve(12, 0)
    budget.answered(permits[0], permits[0].slot_us + 600_000)
    clock.now_us = permits[4].slot_us - 1
    turn = Turn(budget, permits[4], clock.epoch_us, clock.sleep_us)
    turn.take()
    assert clock.now_us == permits[4].slot_us + 580_000, "it was shifted"
    clock.now_us += 600_000
    turn.answered()
    turn.report()
    successor_us = slot_now(rule, permits[8], budget.look())
    assert successor_us is not None
    assert successor_us >= clock.now_us + 1_000_000
