"""While a contract or a tuning is being changed, some functions ask for the old rule and some for the new one: the
stricter holds for all of them, and a permit is lost only where a limit of the vendor's forbids it.
"""

from collections.abc import Sequence
from itertools import cycle, islice, pairwise

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core import seen
from headway_lane.limiter.core.changes import STANDING_US, Changes
from headway_lane.limiter.core.reservations import Permit, slot_now
from headway_lane.limiter.core.rule import Rule, rule_of, strictest
from headway_lane.limiter.core.seen import SWITCH_US
from headway_lane.limiter.turn import Turn

from tests.unit.headway_lane.fakes import VirtualClock, most_in_any_window
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

NOW_US = 1_800_000_000_000_000
TWENTY, FIVE = (rule_of([Limit(amount, 1, Scope.SUBMIT)], 15_000) for amount in (20, 5))
"""Two contracts: what the first allows breaks the second."""
SLOWED = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000, ceiling_per_s=5)
"""The first contract under an operator's lower rate, which is no limit of the vendor's."""
WIDE = rule_of([Limit(20, 1, Scope.SUBMIT)], 100_000)
QUOTA = rule_of([Limit(20, 1, Scope.SUBMIT), Limit(100, 60, Scope.SUBMIT)], 15_000)


class Fleet:
    """Functions whose configurations differ, on one budget and one clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock(NOW_US)
        self.store = MemoryReservationStore()
        self.given: list[Permit] = []

    def asking(self, rule: Rule) -> Budget:
        return Budget(self.store, Changes("acme#submit", rule, self.clock.epoch_us))

    def reserve(self, rule: Rule, count: int = 1) -> Sequence[Permit]:
        """Reserve as a dispatcher with that configuration, and let time pass until the last slot is near."""
        permits = self.asking(rule).reserve(count, 500_000)
        self.given += permits
        self.clock.now_us = max(self.clock.now_us, permits[-1].slot_us - 500_000)
        return permits

    def slots_us(self, first: int = 0) -> list[int]:
        """Return the slots of what was reserved and is not void."""
        budget = self.asking(TWENTY)
        reservations = budget.look()
        slots_us = (slot_now(budget.rule, permit, reservations) for permit in self.given[first:])
        return [slot_us for slot_us in slots_us if slot_us is not None]


@pytest.mark.parametrize("stricter", [FIVE, SLOWED, WIDE, QUOTA], ids=["window", "ceiling", "headroom", "quota"])
def test_an_older_configuration_never_overwrites_a_newer_stricter_rule(stricter: Rule) -> None:
    fleet = Fleet()
    fleet.reserve(stricter)
    for _ in range(5):
        [permit] = fleet.reserve(TWENTY)
        entry = fleet.store.read("acme#submit")
        assert entry is not None
        assert (entry.rule, entry.reservations.generation) == (stricter, 0)
        assert permit.slot_us - fleet.given[-2].slot_us == stricter.emission_interval_us


def test_who_meets_a_stricter_rule_obeys_it_up_to_the_grace_and_the_slots_of_its_callers() -> None:
    fleet = Fleet()
    fleet.reserve(SLOWED)
    budget = fleet.asking(TWENTY)
    left_us = []
    for _ in range(4):
        Turn(budget, None, fleet.clock.epoch_us, fleet.clock.sleep_us).take()
        left_us.append(fleet.clock.now_us)
    assert {later - earlier for earlier, later in pairwise(left_us)} == {SLOWED.emission_interval_us}
    assert budget.rule == SLOWED


@pytest.mark.parametrize("slower", [FIVE, SLOWED], ids=["window", "ceiling"])
def test_a_mixed_fleet_keeps_the_slower_rate_and_loses_no_permit(slower: Rule) -> None:
    fleet = Fleet()
    fleet.reserve(slower)
    for rule in islice(cycle([TWENTY, slower, TWENTY, TWENTY]), 200):
        fleet.reserve(rule, 3)
    slots_us = fleet.slots_us()
    assert len(slots_us) == len(fleet.given) == 601
    assert {later - earlier for earlier, later in pairwise(slots_us)} == {slower.emission_interval_us}


def test_a_stricter_limit_voids_once_what_lies_ahead_and_waits_a_window() -> None:
    fleet = Fleet()
    before = fleet.reserve(TWENTY, 20)
    switched_us = fleet.clock.now_us
    for rule in islice(cycle([FIVE, TWENTY]), 40):
        fleet.reserve(rule)
    kept_us = [permit.slot_us for permit in before if permit.slot_us < switched_us + SWITCH_US]
    assert fleet.slots_us()[: len(kept_us)] == kept_us
    assert fleet.slots_us()[len(kept_us)] >= switched_us + SWITCH_US + FIVE.forget_us
    assert len(fleet.slots_us()) == len(kept_us) + 40, "nothing is lost but what the stricter limit forbids"
    assert fleet.asking(TWENTY).look().generation == 1


def test_a_new_quota_voids_once_what_lies_ahead_and_starts_full() -> None:
    fleet = Fleet()
    fleet.asking(TWENTY).reserve(20, 500_000)
    permits = [*fleet.reserve(QUOTA), *fleet.reserve(TWENTY)]
    assert permits[0].slot_us >= NOW_US + 60_000_000, "what was used of it is unknown"
    assert [permit.generation for permit in permits] == [1, 1]


@pytest.mark.parametrize("slower", [SLOWED, WIDE], ids=["ceiling", "headroom"])
def test_what_is_no_limit_of_the_vendors_voids_nothing(slower: Rule) -> None:
    fleet = Fleet()
    before = fleet.asking(TWENTY).reserve(20, 500_000)
    [after] = fleet.reserve(slower)
    assert fleet.asking(TWENTY).look().generation == 0
    assert after.slot_us == before[-1].slot_us + TWENTY.emission_interval_us
    [following] = fleet.reserve(slower)
    assert following.slot_us == after.slot_us + slower.emission_interval_us


@pytest.mark.parametrize("slower", [FIVE, SLOWED, WIDE, QUOTA], ids=["window", "ceiling", "headroom", "quota"])
def test_a_faster_rule_holds_when_the_slower_stands_no_more_and_voids_nothing(slower: Rule) -> None:
    fleet = Fleet()
    [last] = fleet.reserve(slower)
    until_us = fleet.clock.now_us + STANDING_US
    fleet.clock.now_us = until_us - 1
    [kept] = fleet.asking(TWENTY).reserve(1, 0)
    assert fleet.asking(TWENTY).first_free_us() == kept.slot_us + slower.emission_interval_us
    fleet.clock.now_us = until_us
    one, other = fleet.asking(TWENTY).reserve(2, 0)
    assert one.slot_us == max(until_us, kept.slot_us + slower.emission_interval_us)
    assert other.slot_us == one.slot_us + TWENTY.emission_interval_us
    assert [permit.generation for permit in (last, kept, one, other)] == [0] * 4
    entry = fleet.store.read("acme#submit")
    assert entry is not None
    assert ([standing.rule for standing in entry.standing], entry.rule) == ([TWENTY], TWENTY)


def test_a_rule_stands_from_its_askers_last_write_on() -> None:
    fleet = Fleet()
    fleet.reserve(SLOWED)
    fleet.clock.now_us += STANDING_US - 1_000_000
    fleet.reserve(SLOWED)
    fleet.clock.now_us += STANDING_US - 1_000_000
    one, other = fleet.asking(TWENTY).reserve(2, 0)
    assert other.slot_us - one.slot_us == SLOWED.emission_interval_us


def test_the_strictest_of_rules_keeps_each_of_their_limits() -> None:
    capped = rule_of([Limit(30, 1, Scope.SUBMIT)], 15_000, day_amount=7)
    both = strictest([TWENTY, QUOTA, WIDE, SLOWED, capped, FIVE])
    assert {window.per_us: window.amount for window in both.windows} == {1_000_000: 5}
    assert (both.quotas, both.day_amount, both.headroom_us) == (QUOTA.quotas, 7, 100_000)
    assert both.least_interval_us == max(SLOWED.least_interval_us, QUOTA.least_interval_us)


def worst_mixture() -> int:
    """Let functions that know only the contract of twenty take turns with one of five: the most calls that leave in a
    second while that one stands.
    """
    fleet = Fleet()
    [first] = fleet.reserve(FIVE)
    for rule in islice(cycle([*[TWENTY] * 12, FIVE]), 130):
        fleet.reserve(rule)
    return most_in_any_window([slot_us for slot_us in fleet.slots_us() if slot_us >= first.slot_us], 1_000_000)


def test_a_stricter_contract_is_broken_when_the_rules_that_stand_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worst_mixture() == 5
    monkeypatch.setattr(seen, "strictest", lambda rules: rules[0])
    assert worst_mixture() > 5
