"""All that may happen between reserving and the vendor's door, at once: no window ever holds more than it may."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core import rule as rules
from headway_lane.limiter.core.calling import FRESH_US
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.reservations import Permit, slot_now
from headway_lane.limiter.core.rule import GRAINS, rule_of
from hypothesis import find, given, settings
from hypothesis import strategies as st

from tests.unit.headway_lane.fakes import VirtualClock, most_in_any_window
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

LEAD_US, HORIZON_US = 500_000, 600_000
LIMITS = st.lists(
    st.builds(
        Limit,
        amount=st.integers(1, 6),
        per_s=st.sampled_from([0.5, 1, 3, 10]),
        scope=st.just(Scope.SUBMIT),
    ),
    min_size=1,
    max_size=2,
)


@dataclass
class World:
    """One budget, everybody who reserves from it, and the vendor's door.

    A caller looks at the reservations up to FRESH_US before its slot; from then on nothing stops it.
    """

    limits: Sequence[Limit]
    headroom_us: int
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(1_800_000_000_000_000))
    ceiling_per_s: float = math.inf
    store: MemoryReservationStore = field(default_factory=MemoryReservationStore)
    waiting: list[Permit] = field(default_factory=list)
    batches: list[list[Permit]] = field(default_factory=list)
    left: list[Permit] = field(default_factory=list)
    slots_us: dict[Permit, int] = field(default_factory=dict)
    arrivals_us: dict[Permit, int] = field(default_factory=dict)

    @property
    def budget(self) -> Budget:
        rule = rule_of(self.limits, self.headroom_us, self.ceiling_per_s)
        return Budget(self.store, Changes("acme#submit", rule, self.clock.epoch_us, answers_prove_arrival=True))

    def reserve(self, count: int, step_back_us: int, horizon_us: int | None) -> None:
        """Reserve a batch by a clock that has stepped back."""
        self.clock.now_us -= step_back_us
        permits = list(self.budget.reserve(count, LEAD_US, horizon_us))
        self.clock.now_us += step_back_us
        self.batches.append(permits)
        self.waiting += permits

    def cancel(self, batch: int, keep: int) -> None:
        """Give back the end of a batch, where nobody has looked for it yet."""
        leftovers = [permit for permit in self.batches[batch % len(self.batches)][keep:] if permit in self.waiting]
        self.waiting = [permit for permit in self.waiting if permit not in leftovers]
        self.budget.cancel(leftovers)

    def pass_time(self, duration_us: int, delayed: int) -> None:
        """Let the callers whose look is due look, and leave."""
        self.clock.now_us += duration_us
        budget = self.budget
        reservations = budget.look()
        for permit in [permit for permit in self.waiting if permit.slot_us - FRESH_US <= self.clock.now_us]:
            slot_us = slot_now(budget.rule, permit, reservations)
            if slot_us is None:
                self.waiting.remove(permit)
            elif slot_us - FRESH_US <= self.clock.now_us:  # otherwise it waits on, for the slot that it has now
                self.waiting.remove(permit)
                self.left.append(permit)
                self.slots_us[permit] = slot_us
                late = delayed >> permit.number % 8 & 1
                self.arrivals_us[permit] = slot_us + late * (self.headroom_us - 1)

    def arrive_late(self, back: int, later_us: int) -> None:
        """Let a call that has left arrive now; where its floor would come too late, only its answer is late."""
        if not self.left:
            return
        permit = self.left[-1 - back % len(self.left)]
        answered_us = max(self.clock.now_us, self.slots_us[permit] + self.headroom_us) + later_us
        self.pass_time(answered_us - self.clock.now_us, 0)
        budget = self.budget
        budget.answered(permit, answered_us)
        reservations, rule = budget.look(), budget.rule
        last_number = max(left.number for left in self.left)
        in_time = all(last_number < permit.number + window.amount for window in rule.windows)
        last_us = reservations.theoretical_arrival_us - rule.emission_interval_us
        if in_time and all(last_us <= self.slots_us[permit] + GRAINS * quota.grain_us for quota in rule.quotas):
            self.arrivals_us[permit] = max(self.arrivals_us[permit], answered_us)

    def assert_contract_kept(self) -> None:
        for limit in self.limits:
            held = most_in_any_window(list(self.arrivals_us.values()), int(limit.per_s * 1_000_000))
            assert held <= limit.amount, (limit, held)


Step = tuple[int, int, int | None, int, int, tuple[str, int, int]]
STEPS = st.lists(
    st.tuples(
        st.integers(0, 8),  # reserved
        st.sampled_from([0, 0, 0, 300_000, 5_000_000]),  # by a clock that has stepped back
        st.sampled_from([HORIZON_US, HORIZON_US, None]),
        st.sampled_from([50_000, 200_000, 500_000, 1_500_000]),  # passes
        st.integers(0, 255),  # who of those that leave arrives with all of its headroom used up
        st.one_of(
            st.just(("nothing", 0, 0)),
            st.tuples(st.just("cancel"), st.integers(0, 3), st.integers(0, 5)),
            st.tuples(st.just("arrive_late"), st.integers(0, 6), st.sampled_from([0, 150_000, 600_000])),
            st.tuples(st.just("cool_down"), st.sampled_from([0, 200_000, 1_000_000, 5_000_000]), st.just(0)),
            st.tuples(st.just("tune"), st.sampled_from([0, 1, 10, 100]), st.just(0)),
        ),
    ),
    min_size=8,
    max_size=40,
)


def live(world: World, steps: Sequence[Step]) -> None:
    for count, step_back_us, horizon_us, duration_us, delayed, (name, first, second) in steps:
        world.reserve(count, step_back_us, horizon_us)
        if name == "cancel":
            world.cancel(first, second)
        elif name == "arrive_late":
            world.arrive_late(first, second)
        elif name == "cool_down":
            world.budget.cool_down(first)
        elif name == "tune":
            world.ceiling_per_s = first or math.inf
        world.pass_time(duration_us, delayed)
    while world.waiting:
        world.pass_time(600_000_000, 0)


@given(limits=LIMITS, headroom_us=st.sampled_from([1, 15_000, 200_000]), steps=STEPS)
@settings(max_examples=400)
def test_no_window_holds_too_much_whatever_happens(limits: list[Limit], headroom_us: int, steps: list[Step]) -> None:
    world = World(limits, headroom_us)
    live(world, steps)
    world.assert_contract_kept()


HEADROOM_US = 20_000
BURSTS = st.lists(st.integers(0, 255), min_size=8, max_size=16)


def broken(limit: Limit, headroom_us: int, delays: Sequence[int]) -> bool:
    """Live through saturated time, with calls as late as the headroom should allow; was the contract broken?"""
    world = World([limit], headroom_us)
    live(world, [(8, 0, None, 500_000, 0, ("nothing", 0, 0)) for _ in delays])
    for permit, slot_us in world.slots_us.items():
        late = delays[permit.number // 8 % len(delays)] >> permit.number % 8 & 1
        world.arrivals_us[permit] = slot_us + late * (HEADROOM_US - 1)
    try:
        world.assert_contract_kept()
    except AssertionError:
        return True
    return False


def test_it_fails_when_the_rounding_is_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "ceil_div", lambda dividend, divisor: int(dividend // divisor))
    assert find(BURSTS, lambda delays: broken(Limit(7, 1, Scope.SUBMIT), HEADROOM_US, delays))


def test_it_fails_when_the_headroom_is_taken_out() -> None:
    assert find(BURSTS, lambda delays: broken(Limit(6, 1, Scope.SUBMIT), 1, delays))


@given(delays=BURSTS)
def test_and_with_both_in_their_place_it_does_not(delays: list[int]) -> None:
    assert not broken(Limit(6, 1, Scope.SUBMIT), HEADROOM_US, delays)
    assert not broken(Limit(7, 1, Scope.SUBMIT), HEADROOM_US, delays)
