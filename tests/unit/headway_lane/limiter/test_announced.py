"""Limits that a vendor announces: kept where they are lower than the contract's, told, and never for ever."""

import hypothesis.strategies as st
import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.announcing import ANNOUNCED_EVERY_US, ANNOUNCED_LIMIT, ANNOUNCED_US
from headway_lane.limiter.core.changes import STANDING_US, Changes
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.core.seen import SWITCH_US
from headway_lane.limiter.core.signals import COOL_DOWN_S, Announced, Reason
from headway_lane.limiter.core.unsaid import FIRST_COUNT, LONGEST_UNSAID_US
from headway_lane.limiter.reservation_store import DynamoReservationStore
from headway_lane.limiter.runner import ReservationStore
from hypothesis import given, settings

from tests.unit.headway_lane.fakes import VirtualClock
from tests.unit.headway_lane.memory_stores import MemoryReservationStore, budgets_table

RULE = rule_of([Limit(10, 1, Scope.SUBMIT)], 10_000)
NOW_US = 1_800_000_000_000_000
BARE_US = int(COOL_DOWN_S * 1_000_000)


class Bench:
    """One budget in a store, and a clock."""

    def __init__(self, store: ReservationStore | None = None) -> None:
        self.store = store or MemoryReservationStore()
        self.clock = VirtualClock(NOW_US)

    @property
    def budget(self) -> Budget:
        return Budget(self.store, Changes("acme#submit", RULE, self.clock.epoch_us))

    def announce(self, *told: Announced) -> None:
        budget = self.budget
        budget.look()
        budget.runner(self.clock.epoch_us, lambda _: None).run(budget.changes.announced(told))

    def arrivals(self, count: int) -> list[int]:
        budget = self.budget
        return [budget.reserve(1, 0)[0].slot_us for _ in range(count)]

    def refuse(self, number: int | None) -> float:
        """Refuse a call without a word, and return for how long nobody calls, in seconds."""
        budget = self.budget
        budget.runner(self.clock.epoch_us, lambda _: None).run(
            budget.changes.cool_down(BARE_US, Reason.HTTP_429, number)
        )
        return (budget.look().cool_down_until_us - self.clock.epoch_us()) / 1_000_000

    def later(self, us: int) -> None:
        self.clock.now_us += us


def most_in(slots: list[int], per_us: int) -> int:
    return max(sum(first <= slot < first + per_us for slot in slots) for first in slots)


def test_a_lower_limit_is_kept_by_everybody_and_lapses_where_it_is_not_announced_again() -> None:
    bench = Bench()
    bench.arrivals(1)
    bench.announce(Announced(5, 1))
    assert most_in(bench.arrivals(40), 1_000_000) == 5
    bench.later(ANNOUNCED_US)
    assert most_in(bench.arrivals(40), 1_000_000) > 5


def test_what_is_no_lower_changes_nothing() -> None:
    bench = Bench()
    bench.arrivals(1)
    before = bench.store.read("acme#submit")
    bench.announce(Announced(10, 1), Announced(600, 60), Announced(900, 30))
    assert bench.store.read("acme#submit") == before


@pytest.mark.parametrize(("left_count", "at_once"), [(3, 3), (0, 0), (None, 30)])
def test_of_a_quota_as_much_is_used_as_the_vendor_says(left_count: int | None, at_once: int) -> None:
    bench = Bench()
    bench.announce(Announced(30, 60, left_count))
    soon_us = NOW_US + 40_000_000
    assert sum(slot < soon_us for slot in bench.arrivals(40)) == at_once


def test_what_stands_is_not_written_again_and_a_vendor_that_changes_its_mind_is_written_now_and_then() -> None:
    bench = Bench()
    bench.announce(Announced(5, 1))
    once = bench.store.read("acme#submit")
    bench.announce(Announced(5, 1))
    bench.announce(Announced(4, 1))
    assert bench.store.read("acme#submit") == once
    bench.later(ANNOUNCED_EVERY_US)
    bench.announce(Announced(4, 1))
    entry = bench.store.read("acme#submit")
    assert entry
    assert [each.announced for each in entry.standing if each.announced] == [(4, 1_000_000)]
    bench.later(ANNOUNCED_EVERY_US)
    bench.announce(*(Announced(1, per_s) for per_s in range(1, 9)))
    entry = bench.store.read("acme#submit")
    assert entry
    assert len([each for each in entry.standing if each.announced]) == ANNOUNCED_LIMIT


def test_what_was_announced_survives_dynamodb() -> None:
    with budgets_table() as table:
        bench = Bench(DynamoReservationStore(table))
        bench.arrivals(1)
        bench.announce(Announced(5, 1), Announced(30, 60, 7))
        bench.refuse(None)
        entry = bench.store.read("acme#submit")
        assert entry
        assert [each.announced for each in entry.standing] == [(5, 1_000_000), (30, 60_000_000), None]
        assert entry.reservations.unsaid_us == BARE_US
        assert most_in(bench.arrivals(20), 1_000_000) <= 5


ANNOUNCED = st.builds(
    Announced,
    st.integers(1, 10**9),
    st.floats(0.25, 31 * 86_400),
    st.none() | st.integers(0, 10**9),
)


@settings(max_examples=200)
@given(told=st.lists(st.lists(ANNOUNCED, max_size=6), min_size=1, max_size=4))
def test_no_announcement_lets_anybody_call_faster_than_the_contract_nor_stops_it_for_ever(
    told: list[list[Announced]],
) -> None:
    bench = Bench()
    slots = bench.arrivals(3)
    for limits in told:
        bench.announce(*limits)
        slots += [slot for slot in bench.arrivals(3) if slot < bench.clock.epoch_us() + ANNOUNCED_US]
        bench.later(max(ANNOUNCED_EVERY_US, slots[-1] - bench.clock.epoch_us()))
    assert most_in(slots, 1_000_000) <= 10
    silent = Bench()
    silent.announce(*(limit for limits in told for limit in limits))
    silent.later(ANNOUNCED_US + STANDING_US)
    assert silent.arrivals(1)[0] <= silent.clock.epoch_us() + SWITCH_US + RULE.forget_us


def test_a_cool_down_without_a_time_grows_while_the_first_call_behind_it_is_refused_and_begins_anew_else() -> None:
    bench = Bench()
    lasted = []
    for _ in range(8):
        [permit] = bench.budget.reserve(1, 0)
        bench.later(permit.slot_us - bench.clock.epoch_us())
        lasted.append(bench.refuse(permit.number))
        bench.later(int(lasted[-1] * 1_000_000))
    assert lasted == [1, 2, 4, 8, 16, 32, LONGEST_UNSAID_US / 1_000_000, 60]
    permits = bench.budget.reserve(FIRST_COUNT + 1, 0)
    bench.later(permits[-1].slot_us - bench.clock.epoch_us())
    assert bench.refuse(permits[-1].number) == 1


def test_who_had_left_before_a_cool_down_does_not_let_it_grow() -> None:
    bench = Bench()
    first, second = bench.budget.reserve(2, 0)
    assert bench.refuse(first.number) == 1
    bench.later(BARE_US)
    assert bench.refuse(second.number) == 1
    entry = bench.store.read("acme#submit")
    assert entry
    assert entry.reservations.unsaid_us == BARE_US
