"""The last steps before a slot: what they find keeps a call from leaving, and they are made once and in time."""

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.calling import GRACE_SHARE, LOOK_US, PATIENCE_US, READY_US
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.turn import NoTurns, Turn, Unpaced
from headway_lane.runtime.errors import RetryLater

from tests.unit.headway_lane.fakes import VirtualClock
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

RULE = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000)
NOW_US = 1_000_000_000
GRACE_US = RULE.headroom_us // GRACE_SHARE


def setup(clock: VirtualClock) -> Budget:
    return Budget(MemoryReservationStore(), Changes("replicate#submit", RULE, clock.epoch_us))


class Readying:
    """A call whose caller makes ready, which takes `takes_us`; what it finds then is noted."""

    def __init__(self, clock: VirtualClock, budget: Budget, permit: Permit | None, takes_us: int = 0) -> None:
        self.clock = clock
        self.takes_us = takes_us
        self.ready_us: list[int] = []
        self.error: Exception | None = None
        self.turn = Turn(budget, permit, clock.epoch_us, clock.sleep_us)

    def ready(self) -> None:
        self.ready_us.append(self.clock.now_us)
        if self.error:
            raise self.error
        self.clock.now_us += self.takes_us

    def take(self) -> None:
        self.turn.take(self.ready)


@pytest.mark.parametrize("ahead_us", [READY_US, 1_000_000, PATIENCE_US - 1_000_000])
def test_a_caller_makes_ready_once_shortly_before_its_slot_and_leaves_at_it(ahead_us: int) -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit] = budget.reserve(1, ahead_us)
    called = Readying(clock, budget, permit, takes_us=100_000)
    called.take()
    assert called.ready_us == [permit.slot_us - READY_US]
    assert (clock.now_us, called.turn.missed_count) == (permit.slot_us, 0)
    assert READY_US > LOOK_US


def test_a_caller_that_comes_close_to_its_slot_makes_ready_at_once() -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit] = budget.reserve(1, 500_000)
    clock.now_us = permit.slot_us - 50_000
    called = Readying(clock, budget, permit, takes_us=40_000)
    called.take()
    assert called.ready_us == [permit.slot_us - 50_000]
    assert (clock.now_us, called.turn.missed_count) == (permit.slot_us, 0)


def test_a_caller_without_a_permit_makes_ready_before_it_takes_a_slot_that_this_would_cost() -> None:
    clock, store = VirtualClock(NOW_US), MemoryReservationStore()
    budget = Budget(store, Changes("replicate#submit", RULE, clock.epoch_us))
    called = Readying(clock, budget, None, takes_us=3_000_000)
    written: list[int] = []

    def ready() -> None:
        written.append(store.write_count)
        called.ready()

    called.turn.take(ready)
    assert (written, store.write_count) == ([0], 1)
    assert (called.ready_us, called.turn.missed_count) == ([NOW_US], 0)
    assert clock.now_us >= NOW_US + 3_000_000


@pytest.mark.parametrize("slow_us", [READY_US + GRACE_US + 1, 2_000_000])
def test_who_is_ready_too_late_misses_its_slot_and_makes_ready_no_second_time(slow_us: int) -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit] = budget.reserve(1, 500_000)
    called = Readying(clock, budget, permit, takes_us=slow_us)
    called.take()
    assert (len(called.ready_us), called.turn.missed_count) == (1, 1)
    assert clock.now_us > permit.slot_us + GRACE_US


def test_a_slot_that_is_void_by_the_last_look_is_reserved_anew_without_making_ready_again() -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit] = budget.reserve(1, 500_000)
    called = Readying(clock, budget, permit)

    def ready() -> None:
        called.ready()
        budget.cool_down(2_000_000)

    called.turn.take(ready)
    assert (len(called.ready_us), called.turn.missed_count) == (1, 1)
    assert clock.now_us >= permit.slot_us - READY_US + 2_000_000


def test_a_slot_that_was_missed_before_anybody_came_is_not_made_ready_for() -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit] = budget.reserve(1, 0)
    clock.now_us = permit.slot_us + 60_000_000
    called = Readying(clock, budget, permit)
    called.take()
    assert (called.ready_us, called.turn.missed_count) == ([permit.slot_us + 60_000_000], 1)


def test_a_slot_that_is_far_away_is_not_made_ready_for() -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit] = budget.reserve(1, PATIENCE_US + 5_000_000)
    called = Readying(clock, budget, permit)
    with pytest.raises(RetryLater, match="far away"):
        called.take()
    assert called.ready_us == []


def test_every_turn_is_made_ready_for_by_itself() -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit] = budget.reserve(1, 500_000)
    called = Readying(clock, budget, permit)
    for count in (1, 2, 3):
        called.take()
        assert len(called.ready_us) == count


@pytest.mark.parametrize("has_permit", [True, False])
def test_who_cannot_be_made_ready_does_not_leave_and_takes_nothing_from_others(has_permit: bool) -> None:
    clock, store = VirtualClock(NOW_US), MemoryReservationStore()
    budget = Budget(store, Changes("replicate#submit", RULE, clock.epoch_us))
    permit = budget.reserve(1, 500_000)[0] if has_permit else None
    before, written = store.read("replicate#submit"), store.write_count
    called = Readying(clock, budget, permit)
    called.error = LookupError("the task has ended")
    with pytest.raises(LookupError):
        called.take()
    called.turn.answered()
    called.turn.failed()
    called.turn.succeeded(None)
    called.turn.report()
    assert (store.read("replicate#submit"), store.write_count) == (before, written), "nothing has happened"
    assert (called.turn.missed_count, called.turn.late_count) == (0, 0)


def test_who_could_not_be_made_ready_can_take_another_turn() -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit] = budget.reserve(1, 500_000)
    called = Readying(clock, budget, permit)
    called.error = LookupError("the task has ended")
    with pytest.raises(LookupError):
        called.take()
    called.error = None
    called.take()
    assert (len(called.ready_us), called.turn.missed_count) == (2, 0)
    assert clock.now_us > permit.slot_us, "its slot was lost with the turn"


def test_the_late_answer_of_the_attempt_before_is_told_though_the_next_is_not_made_ready() -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit] = budget.reserve(1, 500_000)
    called = Readying(clock, budget, permit)
    called.take()
    clock.now_us += 400_000
    called.turn.answered()
    called.error = LookupError("the task has ended")
    with pytest.raises(LookupError):
        called.take()
    assert (called.turn.late_count, len(budget.look().floors)) == (1, 1)


def test_who_needs_no_turn_is_made_ready_and_who_gets_none_is_not() -> None:
    ready: list[str] = []
    Unpaced().take(lambda: ready.append("unpaced"))
    with pytest.raises(RetryLater):
        NoTurns(RetryLater("nobody knows the pace")).take(lambda: ready.append("no turns"))
    assert ready == ["unpaced"]
