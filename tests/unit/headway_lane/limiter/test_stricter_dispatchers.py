"""A dispatcher whose configuration brings a stricter contract, before anybody has written it down."""

from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.calling import PATIENCE_US
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.dispatching import BatchTurns
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.core.seen import SWITCH_US

from tests.unit.headway_lane.fakes import VirtualClock
from tests.unit.headway_lane.limiter.test_rollouts import FIVE as LATER
from tests.unit.headway_lane.limiter.test_rollouts import SECOND_US, TWENTY, Rollout, sliding
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

NOW_US = 1_800_000_000_000_000
BEFORE, AFTER = (rule_of([Limit(amount, 1, Scope.SUBMIT)], 15_000) for amount in (20, 5))


def test_it_does_not_wait_for_ever() -> None:
    """Until its rule is written the slot that it waits for moves on with the clock."""
    clock, store = VirtualClock(NOW_US), MemoryReservationStore()
    Budget(store, Changes("acme#submit", BEFORE, clock.epoch_us)).reserve(1, 500_000)
    changes = Changes("acme#submit", AFTER, clock.epoch_us)

    def within_patience(duration_us: int) -> None:
        assert clock.now_us < NOW_US + PATIENCE_US, "it waits for ever"
        clock.sleep_us(duration_us)

    run = Budget(store, changes).runner(clock.epoch_us, within_patience).run
    run(BatchTurns(changes, 10, clock.epoch_us).take())
    assert clock.now_us <= NOW_US + SWITCH_US + AFTER.forget_us


def test_a_stricter_contract_that_rolls_out_stops_nobody() -> None:
    rollout = Rollout(TWENTY, LATER).run()
    assert min(sliding(rollout.arrivals_us)) >= 0.95 * 5 * 20 / (1 + LATER.headroom_us / SECOND_US)
