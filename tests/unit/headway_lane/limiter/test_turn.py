"""The last step before the socket: slots are kept to the microsecond, missed ones are never used late."""

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.calling import GRACE_SHARE, PATIENCE_US
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.circuit import CLOSED, OPEN_US, THRESHOLD
from headway_lane.limiter.core.reservations import Floor
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.core.signals import COOL_DOWN_S, LONGEST_COOL_DOWN_S, CoolDown, Reason
from headway_lane.limiter.turn import Turn
from headway_lane.runtime.errors import RetryLater

from tests.unit.headway_lane.fakes import VirtualClock
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

RULE = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000)
NOW_US = 1_000_000_000
GRACE_US = RULE.headroom_us // GRACE_SHARE


def setup(clock: VirtualClock) -> Budget:
    return Budget(MemoryReservationStore(), Changes("replicate#submit", RULE, clock.epoch_us))


def test_a_call_leaves_at_its_slot() -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit] = budget.reserve(1, 500_000)
    Turn(budget, permit, clock.epoch_us, clock.sleep_us).take()
    assert clock.now_us == permit.slot_us


def test_a_missed_slot_is_reserved_anew_and_not_sent_late() -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit, _] = budget.reserve(2, 0)
    clock.now_us = permit.slot_us + GRACE_US + 1
    turn = Turn(budget, permit, clock.epoch_us, clock.sleep_us)
    turn.take()
    assert turn.missed_count == 1
    assert clock.now_us >= permit.slot_us + 2 * RULE.emission_interval_us, "behind everybody who had reserved"


def test_a_caller_that_oversleeps_tries_again_at_another_slot() -> None:
    clock = VirtualClock(NOW_US, oversleep_us=GRACE_US + 1)
    budget = setup(clock)
    [permit] = budget.reserve(1, 500_000)

    def awake(duration_us: int) -> None:
        clock.sleep_us(duration_us)
        clock.oversleep_us = 0 if clock.now_us > permit.slot_us else clock.oversleep_us

    turn = Turn(budget, permit, clock.epoch_us, awake)
    turn.take()
    assert turn.missed_count == 1


def test_a_cool_down_after_the_reservation_voids_the_permit() -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit] = budget.reserve(1, 500_000)
    start_us = clock.now_us
    budget.cool_down(5_000_000)
    Turn(budget, permit, clock.epoch_us, clock.sleep_us).take()
    assert clock.now_us >= start_us + 5_000_000


def test_a_second_attempt_takes_a_permit_of_its_own() -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit] = budget.reserve(1, 500_000)
    turn = Turn(budget, permit, clock.epoch_us, clock.sleep_us)
    turn.take()
    first_us = clock.now_us
    turn.take()
    assert clock.now_us >= first_us + RULE.emission_interval_us


class Called:
    """A call that has left at its slot, on a store that counts."""

    def __init__(self, *, answers_prove_arrival: bool | None = None) -> None:
        self.clock = VirtualClock(NOW_US)
        self.store = MemoryReservationStore()
        changes = Changes("replicate#submit", RULE, self.clock.epoch_us, answers_prove_arrival=answers_prove_arrival)
        self.budget = Budget(self.store, changes)
        [self.permit] = self.budget.reserve(1, 500_000)
        self.turn = Turn(self.budget, self.permit, self.clock.epoch_us, self.clock.sleep_us)
        self.turn.take()
        self.written = self.store.write_count

    def answer(self, after_us: int) -> None:
        self.clock.now_us = self.permit.slot_us + after_us
        self.turn.answered()
        assert self.store.write_count == self.written, "nothing is written before the answer itself is safe"
        self.turn.report()


@pytest.mark.parametrize("after_us", [0, 1, RULE.headroom_us])
def test_a_prompt_answer_needs_no_write(after_us: int) -> None:
    called = Called()
    called.answer(after_us)
    assert (called.store.write_count, called.turn.late_count) == (called.written, 0)


@pytest.mark.parametrize("after_us", [RULE.headroom_us + 1, 300_000, 9_000_000])
def test_an_answer_after_the_headroom_puts_a_floor_behind_its_call_with_one_write(after_us: int) -> None:
    called = Called()
    called.answer(after_us)
    assert (called.store.write_count, called.turn.late_count) == (called.written + 1, 1)
    floor = Floor(called.permit.number + 20, called.clock.now_us + 1_000_000)
    assert called.budget.look().floors == (floor,)
    following = called.budget.reserve(20, 0)
    assert [permit.slot_us >= floor.slot_us for permit in following] == [False] * 19 + [True]


def test_where_answers_prove_nothing_a_late_one_needs_no_write() -> None:
    called = Called(answers_prove_arrival=False)
    called.answer(9_000_000)
    assert (called.store.write_count, called.turn.late_count) == (called.written, 0)


def test_an_answer_to_nothing_that_was_sent_needs_no_write() -> None:
    clock, store = VirtualClock(NOW_US), MemoryReservationStore()
    budget = Budget(store, Changes("replicate#submit", RULE, clock.epoch_us))
    turn = Turn(budget, None, clock.epoch_us, clock.sleep_us)
    turn.answered()
    turn.report()
    assert store.write_count == 0


@pytest.mark.parametrize("cool_down_s", [COOL_DOWN_S, 3.0, LONGEST_COOL_DOWN_S])
def test_a_429_cool_downs_everybody(cool_down_s: float) -> None:
    called = Called()
    waiting = called.budget.reserve(3, 500_000)
    called.turn.refused(CoolDown(cool_down_s, Reason.RETRY_AFTER))
    reservations = called.budget.look()
    assert (
        reservations.cool_down_until_us == reservations.resume_us == called.clock.now_us + int(cool_down_s * 1_000_000)
    )
    assert reservations.cool_down_reason is Reason.RETRY_AFTER
    assert called.turn.cool_downs == {Reason.RETRY_AFTER: 1}
    [after] = called.budget.reserve(1, 0)
    assert after.slot_us >= called.clock.now_us + int(cool_down_s * 1_000_000)
    other = Turn(called.budget, waiting[0], called.clock.epoch_us, called.clock.sleep_us)
    if cool_down_s * 1_000_000 < PATIENCE_US:
        other.take()
        assert other.missed_count == 1
        assert called.clock.now_us > after.slot_us
    else:
        with pytest.raises(RetryLater):
            other.take()


def test_only_who_asked_for_it_counts_the_cool_down() -> None:
    called = Called()
    other = Turn(called.budget, called.permit, called.clock.epoch_us, called.clock.sleep_us)
    for turn in (called.turn, other):
        turn.refused(CoolDown(3, Reason.HTTP_429))
    assert (called.turn.cool_downs[Reason.HTTP_429], other.cool_downs[Reason.HTTP_429]) == (1, 0)


def test_a_cool_down_beside_a_job_id_is_written_when_the_answer_is_safe() -> None:
    called = Called()
    called.turn.succeeded(CoolDown(30, Reason.RATE_LIMIT_HEADER))
    assert called.store.write_count == called.written
    called.turn.report()
    called.turn.report()
    assert called.store.write_count == called.written + 1
    assert called.budget.look().cool_down_reason is Reason.RATE_LIMIT_HEADER


def test_a_success_costs_neither_a_read_nor_a_write_where_nobody_failed() -> None:
    called = Called()
    read = called.store.read_count
    called.turn.succeeded(None)
    called.turn.report()
    assert (called.store.read_count, called.store.write_count) == (read, called.written)


def test_a_failure_is_written_at_once_and_forgotten_by_the_next_success() -> None:
    called = Called()
    called.turn.failed()
    assert called.budget.look().circuit.failure_count == 1
    called.turn.take()
    called.turn.succeeded(None)
    called.turn.report()
    assert called.budget.look().circuit == CLOSED
    assert called.turn.cool_downs[Reason.CIRCUIT] == 0


def test_failures_in_a_row_open_the_circuit_and_a_probe_closes_it() -> None:
    called = Called()
    for permit in called.budget.reserve(THRESHOLD - 1, 0):
        called.budget.failed(permit, f"call-{permit.number}")
    called.turn.failed()
    opened_us = called.clock.now_us
    assert called.turn.cool_downs[Reason.CIRCUIT] == 1
    called.turn.take()
    assert called.clock.now_us >= opened_us + OPEN_US
    called.turn.succeeded(None)
    called.turn.report()
    assert called.budget.look().circuit == CLOSED
    [following] = called.budget.reserve(1, 0)
    assert following.slot_us < called.clock.now_us + 2_000_000


def test_failures_and_successes_that_cannot_be_written_hide_nothing() -> None:
    called = Called()
    called.turn.failed()
    called.turn.take()
    called.store.races = 1_000
    called.turn.failed()
    called.turn.succeeded(None)
    called.turn.report()
    assert called.budget.look().circuit.failure_count == 1


def test_a_slot_that_is_too_far_away_is_left_to_others() -> None:
    called = Called()
    called.turn.refused(CoolDown(60, Reason.RETRY_AFTER))
    before, free_us = called.budget.look(), called.budget.first_free_us()
    with pytest.raises(RetryLater) as later:
        called.turn.take()
    assert later.value.retry_after_s == pytest.approx(60, abs=0.1)
    assert (called.budget.look().number, called.budget.first_free_us()) == (before.number, free_us)


def test_a_late_answer_is_told_once_and_before_the_next_attempt_waits_for_its_slot() -> None:
    called = Called()
    called.clock.now_us += 400_000
    called.turn.answered()
    answered_us = called.clock.now_us
    called.turn.take()
    assert called.budget.look().floors == (Floor(called.permit.number + 20, answered_us + 1_000_000),)
    written = called.store.write_count
    called.turn.answered()
    called.turn.report()
    assert (called.store.write_count, called.turn.late_count) == (written, 1)


def test_a_floor_that_cannot_be_written_is_left_out_and_counted() -> None:
    called = Called()
    called.store.races = 1_000
    called.clock.now_us += 200_000
    called.turn.answered()
    called.turn.report()
    assert called.turn.late_count == 1
    assert called.budget.look().floors == ()


def test_a_cool_down_that_cannot_be_written_does_not_hide_the_429() -> None:
    called = Called()
    called.store.races = 1_000
    called.turn.refused(CoolDown(3, Reason.HTTP_429))
    assert called.budget.look().resume_us == 0


def test_a_permit_that_its_caller_has_just_reserved_is_not_looked_for_again() -> None:
    clock, store = VirtualClock(NOW_US), MemoryReservationStore()
    budget = Budget(store, Changes("replicate#submit", RULE, clock.epoch_us))
    Turn(budget, None, clock.epoch_us, clock.sleep_us).take()
    assert store.read_count == 1
    [permit] = budget.reserve(1, 500_000)
    Turn(budget, permit, clock.epoch_us, clock.sleep_us).take()
    assert store.read_count == 3


@pytest.mark.parametrize("after_us", [0, GRACE_US])
def test_a_call_may_leave_half_of_the_headroom_after_its_slot(after_us: int) -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    [permit] = budget.reserve(1, 0)
    clock.now_us = permit.slot_us + after_us
    turn = Turn(budget, permit, clock.epoch_us, clock.sleep_us)
    turn.take()
    assert (clock.now_us, turn.missed_count) == (permit.slot_us + after_us, 0)
    assert RULE.headroom_us // 2 == GRACE_US


def test_a_slot_that_is_far_away_is_left_to_the_workflow_to_wait_for() -> None:
    clock = VirtualClock(NOW_US)
    budget = setup(clock)
    budget.cool_down(PATIENCE_US + 5_000_000)
    with pytest.raises(RetryLater) as caught:
        Turn(budget, None, clock.epoch_us, clock.sleep_us).take()
    assert caught.value.retry_after_s == pytest.approx(15, abs=0.1)
