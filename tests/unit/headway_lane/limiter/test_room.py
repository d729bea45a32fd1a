"""The in-flight permit of a call, taken by its caller: in the last moment before a slot, and waited for without one."""

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.calling import LOOK_US, PATIENCE_US, InFlightFull
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.in_flight import CallEntrance, InFlight
from headway_lane.limiter.turn import Turn
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.headway_lane.fakes import VirtualClock
from tests.unit.headway_lane.memory_stores import MemoryInFlightStore, MemoryReservationStore

RULE = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000)
NOW_US = 1_800_000_000_000_000
BUDGET = "acme#in_flight"


class Lane:
    """Callers of one vendor that takes so many jobs at once."""

    def __init__(self, limit: int) -> None:
        self.clock = VirtualClock(NOW_US)
        self.permits = MemoryInFlightStore()
        self.budget = Budget(MemoryReservationStore(), Changes("acme#submit", RULE, self.clock.epoch_us))
        self.in_flight = InFlight(self.permits, "acme", limit, 1_000, self.clock.epoch_us)

    @property
    def held(self) -> set[str]:
        return set(self.permits.budgets.get(BUDGET, {}))

    def turn(self, call_id: str, *, ahead_us: int | None = None) -> Turn:
        permit = None if ahead_us is None else self.budget.reserve(1, ahead_us)[0]
        entrance = CallEntrance(self.in_flight, call_id)
        return Turn(self.budget, permit, self.clock.epoch_us, self.clock.sleep_us, entrance=entrance)


def test_it_is_taken_in_the_last_moment_before_the_slot() -> None:
    lane = Lane(1)
    taken_us: list[int] = []
    acquire = lane.permits.acquire

    def noting(*args: object) -> bool:
        taken_us.append(lane.clock.now_us)
        return acquire(*args)  # type: ignore[arg-type]

    lane.permits.open(BUDGET)
    lane.permits.acquire = noting  # type: ignore[method-assign,assignment]
    lane.turn("a", ahead_us=2_000_000).take()
    assert lane.held == {"a"}
    assert lane.clock.now_us - taken_us[0] <= LOOK_US


def test_who_finds_no_room_at_its_slot_lets_it_go_waits_and_takes_another_slot() -> None:
    lane = Lane(1)
    lane.in_flight.acquire("other")
    lane.permits.others = [str] * 8 + [lambda: lane.permits.budgets[BUDGET].pop("other")]
    turn = lane.turn("a", ahead_us=500_000)
    turn.take()
    assert (lane.held, turn.missed_count, turn.full_count) == ({"a"}, 1, 1)


def test_who_finds_no_room_for_long_goes_back_and_has_taken_neither_slot_nor_permit() -> None:
    lane = Lane(1)
    lane.in_flight.acquire("other")
    turn = lane.turn("a")
    with pytest.raises(InFlightFull):
        turn.take()
    assert NOW_US + PATIENCE_US <= lane.clock.now_us <= NOW_US + PATIENCE_US + 1_000_000
    assert (lane.held, lane.budget.look().number) == ({"other"}, 0)


def test_a_second_attempt_of_a_call_needs_no_second_one() -> None:
    lane = Lane(1)
    turn = lane.turn("a")
    turn.take()
    turn.take()
    assert (lane.held, turn.full_count) == ({"a"}, 0)


def most_held(limit: int, steps: list[tuple[int, bool]]) -> int:
    """Let callers take their turns while others are let in between any two requests; returns the most that held one."""
    lane, most = Lane(limit), 0
    for number, (ending, races) in enumerate(steps):
        if races:
            lane.permits.others = [str, lambda number=number: rival(lane, number)]  # type: ignore[misc]
        try:
            lane.turn(f"call-{number}").take()
        except InFlightFull:
            assert len(lane.held) >= limit, "there was room"
        most = max(most, len(lane.held))
        for call_id in sorted(lane.held)[:ending]:
            lane.in_flight.release(call_id)
    return most


def rival(lane: Lane, number: int) -> None:
    lane.permits.others = []
    lane.in_flight.acquire(f"rival-{number}")


STEPS = st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=4, max_size=20)


@given(limit=st.integers(1, 3), steps=STEPS)
def test_there_is_never_one_too_many_whoever_races(limit: int, steps: list[tuple[int, bool]]) -> None:
    assert most_held(limit, steps) <= limit


def test_there_is_one_too_many_when_the_count_is_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = MemoryInFlightStore.acquire
    monkeypatch.setattr(
        MemoryInFlightStore,
        "acquire",
        lambda self, budget, taken, expired, _: counted(self, budget, taken, expired, 99),
    )
    assert most_held(1, [(0, True)] * 4) > 1
