"""While a contract is being changed, some callers know the old rule and some the new one."""

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.calling import PATIENCE_US
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.reservations import rule_of
from headway_lane.limiter.turn import Turn
from headway_lane.runtime.errors import RetryLater

from tests.unit.headway_lane.fakes import VirtualClock
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

OLD, NEW = (rule_of([Limit(amount, 1, Scope.SUBMIT)], 100_000, ceiling_per_s=6) for amount in (10, 8))


def test_a_caller_whose_slots_are_voided_again_and_again_goes_back_to_the_queue_while_its_function_runs() -> None:
    clock, store = VirtualClock(1_000_000_000), MemoryReservationStore()
    old, new = (Budget(store, Changes("replicate#submit", rule, clock.epoch_us)) for rule in (OLD, NEW))
    new.reserve(1, 0)
    begun_us = clock.now_us

    def while_the_others_reserve(duration_us: int) -> None:
        assert clock.now_us - begun_us < 10 * PATIENCE_US, "it would go on for ever"
        new.reserve(1, 0)
        clock.sleep_us(duration_us)

    turn = Turn(old, None, clock.epoch_us, while_the_others_reserve)
    with pytest.raises(RetryLater):
        turn.take()
    assert clock.now_us - begun_us <= PATIENCE_US
    assert turn.missed_count > 1
