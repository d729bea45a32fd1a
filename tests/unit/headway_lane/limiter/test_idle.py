"""Idle means now: where nothing is reserved ahead, a call reserves for itself when it is ready, and leaves at once."""

from itertools import pairwise

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.calling import OWN_LEAD_US
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.circuit import THRESHOLD
from headway_lane.limiter.core.dispatching import LEAD_US, BatchTurns
from headway_lane.limiter.core.measured import Sample, Samples
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.turn import Turn

from tests.unit.headway_lane.fakes import VirtualClock
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

RULE = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000)
NOW_US = 1_000_000_000
START_US = 60_000
"""From a dispatcher's word until its caller runs."""


class Lane:
    """A dispatcher and its callers on one budget, one clock each."""

    def __init__(self) -> None:
        self.clock = VirtualClock(NOW_US)
        self.store = MemoryReservationStore()
        self.warm = Samples()
        self.warm.add(Sample(0, 1_000), NOW_US)
        self.warm.drain()

    def budget(self, clock: VirtualClock) -> Budget:
        return Budget(self.store, Changes("acme#submit", RULE, clock.epoch_us))

    def batch(self, count: int) -> BatchTurns:
        return BatchTurns(self.budget(self.clock).changes, count, self.clock.epoch_us)

    def take(self, batch: BatchTurns) -> Permit | None:
        runner = self.budget(self.clock).runner(self.clock.epoch_us, self.clock.sleep_us)
        return runner.run(batch.take())

    def call(self, permit: Permit | None, start_us: int = START_US, samples: Samples | None = None) -> int:
        """Make a call that its dispatcher starts now; returns when it leaves."""
        clock = VirtualClock(self.clock.now_us + start_us)
        budget = self.budget(clock)
        Turn(budget, permit, clock.epoch_us, clock.sleep_us, samples=samples or self.warm).take()
        return clock.now_us


@pytest.mark.parametrize("used_before", [False, True])
def test_a_single_call_that_meets_an_idle_budget_leaves_within_its_own_lead(used_before: bool) -> None:
    lane = Lane()
    if used_before:
        lane.budget(lane.clock).reserve(1, 0)
        lane.clock.now_us += RULE.emission_interval_us
    started_us = lane.clock.now_us
    permit = lane.take(lane.batch(1))
    assert (permit, lane.clock.now_us) == (None, started_us), "its dispatcher neither waits nor reserves"
    assert lane.call(permit) == started_us + START_US + OWN_LEAD_US
    assert OWN_LEAD_US < LEAD_US // 10


def test_a_budget_is_not_idle_before_the_interval_behind_its_last_slot_is_over() -> None:
    lane = Lane()
    lane.budget(lane.clock).reserve(1, 0)
    lane.clock.now_us += RULE.emission_interval_us - 1
    permit = lane.take(lane.batch(1))
    assert permit is not None
    assert permit.slot_us == lane.clock.now_us + LEAD_US


def test_the_second_call_of_a_batch_that_meets_an_idle_budget_is_started_ahead_of_its_slot() -> None:
    lane = Lane()
    batch = lane.batch(10)
    assert lane.take(batch) is None
    first_us = lane.call(None)
    slots_us = []
    for _ in range(9):
        permit = lane.take(batch)
        assert permit is not None
        slots_us.append(permit.slot_us)
    assert {later - earlier for earlier, later in pairwise(slots_us)} == {RULE.emission_interval_us}
    assert slots_us[0] - first_us >= RULE.emission_interval_us


def test_an_open_circuit_is_not_idle() -> None:
    lane = Lane()
    budget = lane.budget(lane.clock)
    for number, permit in enumerate(budget.reserve(THRESHOLD, 0)):
        budget.failed(permit, f"call-{number}")
    circuit = budget.look().circuit
    assert not circuit.closed
    lane.clock.now_us = circuit.resume_us + circuit.period_us
    assert lane.take(lane.batch(1)) is not None, "a probe is reserved, and leaves alone"


def test_a_worker_that_has_just_been_started_is_told_apart() -> None:
    lane = Lane()
    [permit] = lane.budget(lane.clock).reserve(1, LEAD_US)
    clock = VirtualClock(NOW_US + LEAD_US + 400_000)
    turn = Turn(lane.budget(clock), permit, clock.epoch_us, clock.sleep_us, samples=Samples())
    turn.take()
    assert (turn.missed_count, turn.cold_count) == (1, 1)
