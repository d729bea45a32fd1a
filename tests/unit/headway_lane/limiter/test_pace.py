"""When each call of a batch is started: permits just ahead of time, shared by everybody; or a plain pause."""

import itertools
from collections.abc import Sequence
from contextlib import closing
from random import Random
from typing import Self

import pytest
from headway_lane.contract.limits import Scope
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.budget import Budget, budget_of, changes_of
from headway_lane.limiter.core.calling import PATIENCE_US
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.circuit import OPEN_US, THRESHOLD
from headway_lane.limiter.core.dispatching import CHUNK_US, HORIZON_US, LEAD_US
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.core.rule import Rule
from headway_lane.limiter.core.steps import Steps
from headway_lane.limiter.delay import Pacer
from headway_lane.limiter.pace import DelayPace, PermitPace, Starts, batch_turns
from headway_lane.limiter.turn import Turn
from headway_lane.runtime.errors import RetryLater

from headway.simulation.virtual_time import Clock, Process, VirtualTime
from tests.unit.headway_lane.fakes import VirtualClock, most_in_any_window, vendor_of
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

NOW_US = 1_800_000_000_000_000
TUNING = Tuning(delay_ms=0, rate_per_s=1_000, headroom_ms=15)


def contract(amount: int = 20, per_s: float = 1, *more: tuple[int, float], urgent_concurrency: int = 0) -> Vendor:
    limits = [(amount, per_s), *more]
    return vendor_of(
        {
            "limits": [{"quantity": "calls", "amount": a, "per_s": s, "scope": "submit"} for a, s in limits],
            "dispatch.urgent_concurrency": urgent_concurrency,
        }
    )


class Lane:
    """One worker's pace, on a store that others may share; notes when each call was started."""

    def __init__(
        self, store: MemoryReservationStore, vendor: Vendor, oversleep_us: int = 0, urgent: bool | None = None
    ) -> None:
        self.urgent = urgent
        self.clock = VirtualClock(NOW_US, oversleep_us)
        self.vendor = vendor
        self.store = store
        self.pace = PermitPace(self.budget_of, self.clock.epoch_us, self.clock.sleep_us)

    def budget_of(self, vendor: Vendor, tuning: Tuning) -> Budget | None:
        return budget_of(self.store, vendor, Scope.SUBMIT, tuning, self.clock.epoch_us, self.clock.sleep_us)

    @property
    def budget(self) -> Budget:
        budget = self.budget_of(self.vendor, TUNING)
        assert budget is not None
        return budget

    @property
    def rule(self) -> Rule:
        return self.budget.rule

    def busy(self) -> Self:
        """Let another call wait for its slot already: on an idle budget nobody would be started ahead of time."""
        self.budget.reserve(1, LEAD_US)
        return self

    def turns(self, count: int) -> Starts:
        return self.pace.turns(self.vendor, TUNING, count, self.urgent)

    def take(self, turns: Starts, count: int) -> list[tuple[int, Permit]]:
        taken = []
        for permit in itertools.islice(turns, count):
            assert permit is not None
            taken.append((self.clock.now_us, permit))
        return taken


@pytest.fixture
def store() -> MemoryReservationStore:
    return MemoryReservationStore()


def test_every_call_is_started_its_lead_before_its_slot_and_the_slots_are_evenly_spaced(
    store: MemoryReservationStore,
) -> None:
    lane = Lane(store, contract()).busy()
    taken = lane.take(lane.turns(30), 30)
    assert [permit.slot_us - started_us for started_us, permit in taken] == [LEAD_US] * 30
    slots_us = [permit.slot_us for _, permit in taken]
    assert {later - earlier for earlier, later in itertools.pairwise(slots_us)} == {lane.rule.emission_interval_us}
    assert slots_us[0] == NOW_US + LEAD_US + lane.rule.emission_interval_us


def test_nothing_is_reserved_before_the_first_turn_is_taken(store: MemoryReservationStore) -> None:
    Lane(store, contract()).turns(10).close()
    assert store.entries == {}


def test_permits_are_reserved_a_chunk_at_a_time_and_only_within_the_horizon(store: MemoryReservationStore) -> None:
    lane = Lane(store, contract()).busy()
    farthest_us = LEAD_US
    for _ in itertools.islice(lane.turns(50), 50):
        farthest_us = max(farthest_us, lane.budget.look().theoretical_arrival_us - lane.clock.now_us)
    assert farthest_us <= HORIZON_US + CHUNK_US + lane.rule.emission_interval_us
    assert farthest_us < 1_000_000, "a late call has to find room for its floor one window behind it"


@pytest.mark.parametrize("amount", [20, 35, 50])
def test_batches_of_ten_cost_at_most_three_writes_for_ten_calls(store: MemoryReservationStore, amount: int) -> None:
    lane = Lane(store, contract(amount)).busy()
    for _ in range(20):
        turns = lane.turns(10)
        assert len(lane.take(turns, 10)) == 10
        turns.close()
    assert store.write_count / 200 <= 0.3


def test_a_whole_way_of_a_punctual_call_costs_no_write_beyond_its_reservation(store: MemoryReservationStore) -> None:
    lane = Lane(store, contract()).busy()
    for _ in range(20):
        with closing(lane.turns(10)) as turns:
            permits = [permit for _, permit in lane.take(turns, 10)]
        for permit in permits:
            caller = VirtualClock(permit.slot_us - LEAD_US)
            turn = Turn(lane.budget, permit, caller.epoch_us, caller.sleep_us)
            turn.take()
            turn.answered()
    assert store.write_count / 200 <= 0.3


def test_what_is_left_over_when_the_turns_are_closed_is_given_back(store: MemoryReservationStore) -> None:
    lane = Lane(store, contract()).busy()
    with closing(lane.turns(4)) as turns:
        [(_, permit)] = lane.take(turns, 1)
    assert lane.budget.look().theoretical_arrival_us == permit.slot_us + lane.rule.emission_interval_us
    [(_, following)] = lane.take(lane.turns(1), 1)
    assert following.slot_us == permit.slot_us + lane.rule.emission_interval_us
    assert following.number == permit.number + 1


def test_turns_that_were_all_taken_give_nothing_back(store: MemoryReservationStore) -> None:
    lane = Lane(store, contract()).busy()
    turns = lane.turns(4)
    lane.take(turns, 4)
    written = store.write_count
    turns.close()
    assert store.write_count == written


def test_leftovers_that_cannot_be_given_back_stay_as_gaps_and_break_nothing(store: MemoryReservationStore) -> None:
    lane = Lane(store, contract()).busy()
    turns = lane.turns(4)
    lane.take(turns, 1)
    reserved_us = lane.budget.look().theoretical_arrival_us
    store.races = 1_000
    turns.close()
    assert lane.budget.look().theoretical_arrival_us == reserved_us


def together(lanes: Sequence[Lane], batches: int) -> list[tuple[Lane, Permit]]:
    """Run workers side by side, each with so many batches of ten; returns every permit with its worker."""
    taken: list[tuple[Lane, Permit]] = []
    random = Random(1)  # noqa: S311 - repeatable

    def changes(clock: Clock) -> Changes:
        made = changes_of(lanes[0].vendor, Scope.SUBMIT, TUNING, clock.epoch_us, uniform=random.random)
        assert made is not None
        return made

    def first(clock: Clock) -> Steps[None]:
        yield from changes(clock).reserve(1, LEAD_US)

    def work(lane: Lane, clock: Clock) -> Steps[None]:
        for _ in range(batches):
            batch = batch_turns(changes(clock), lane.vendor, 10, clock.epoch_us, lane.urgent)
            for _ in range(10):
                permit = yield from batch.take()
                assert permit is not None
                taken.append((lane, permit))
            yield from batch.close()

    time = VirtualTime(changes, random, NOW_US)
    time.spawn(Process(first(Clock(time)), Clock(time)))  # on an idle budget nobody would be started ahead of time
    for lane in lanes:
        clock = Clock(time)
        time.spawn(Process(work(lane, clock), clock, lane.clock.oversleep_us), NOW_US + 1)
    time.run()
    return taken


@pytest.mark.parametrize("workers", [2, 5])
def test_workers_on_one_store_never_share_a_slot_and_use_the_whole_contract_together(
    store: MemoryReservationStore, workers: int
) -> None:
    lanes = [Lane(store, contract(), oversleep_us=1_000 * index) for index in range(workers)]
    permits = [permit for _, permit in together(lanes, batches=4)]
    slots_us = sorted(permit.slot_us for permit in permits)
    assert len({permit.number for permit in permits}) == len(permits) == workers * 40
    emission_interval_us = lanes[0].rule.emission_interval_us
    assert min(later - earlier for earlier, later in itertools.pairwise(slots_us)) >= emission_interval_us
    assert most_in_any_window(slots_us, 1_000_000) == 20
    assert slots_us[-1] - slots_us[0] <= len(slots_us) * emission_interval_us * 1.05


@pytest.mark.parametrize("urgent_workers", [2, 4])
@pytest.mark.parametrize("urgent_wakes_first", [True, False])
def test_two_busy_queues_share_the_slots_by_weight_whoever_wakes_first(
    store: MemoryReservationStore, urgent_workers: int, urgent_wakes_first: bool
) -> None:
    vendor = contract(urgent_concurrency=2)
    oversleeps_us = {urgent_wakes_first: 0, not urgent_wakes_first: 5_000}
    lanes = [Lane(store, vendor, oversleeps_us[urgent], urgent) for urgent in [True] * urgent_workers + [False] * 2]
    taken = together(lanes, batches=12)
    numbers = {urgent: {permit.number for lane, permit in taken if lane.urgent is urgent} for urgent in (True, False)}
    both_busy = 2 * min(map(len, numbers.values())) - 40
    counts = [len(numbers[True] & set(range(first, first + 40))) for first in range(both_busy - 40)]
    assert len(counts) > 100
    assert 10 <= min(counts) <= max(counts) <= 30, f"a half, give or take one reservation: {counts}"


def test_a_queue_that_is_alone_has_all_slots(store: MemoryReservationStore) -> None:
    lane = Lane(store, contract(urgent_concurrency=2), urgent=True)
    slots_us = [permit.slot_us for _, permit in together([lane], batches=6)]
    assert {later - earlier for earlier, later in itertools.pairwise(slots_us)} == {lane.rule.emission_interval_us}


@pytest.mark.parametrize(("per_s", "is_slept"), [(11, True), (60, False)])
def test_nobody_waits_through_a_quotas_pause_with_permits_in_hand(
    store: MemoryReservationStore, per_s: int, is_slept: bool
) -> None:
    lane = Lane(store, contract(20, 1, (30, per_s))).busy()
    turns = lane.turns(35)
    lane.take(turns, 29)
    assert lane.budget.look().number == 30, "the five behind the pause are not reserved ahead of it"
    if is_slept:
        [(started_us, permit)] = lane.take(turns, 1)
        assert permit.slot_us - started_us == LEAD_US
    else:
        with pytest.raises(RetryLater, match="far away"):
            next(turns)


def test_behind_a_short_cool_down_the_next_call_waits_for_its_end(store: MemoryReservationStore) -> None:
    lane = Lane(store, contract())
    lane.budget.cool_down(5_000_000)
    [(started_us, permit)] = lane.take(lane.turns(1), 1)
    assert permit.slot_us >= NOW_US + 5_000_000
    assert started_us == permit.slot_us - LEAD_US


def test_behind_a_long_cool_down_the_batch_is_left_for_later(store: MemoryReservationStore) -> None:
    lane = Lane(store, contract())
    lane.budget.cool_down(PATIENCE_US + 5_000_000)
    with pytest.raises(RetryLater) as later:
        next(lane.turns(1))
    assert later.value.retry_after_s == pytest.approx(15, abs=1)
    assert lane.clock.slept_us == []


def test_a_batch_of_probes_does_not_outlast_its_dispatcher(store: MemoryReservationStore) -> None:
    lane = Lane(store, contract())
    for permit in lane.budget.reserve(THRESHOLD, 0):
        lane.budget.failed(permit, f"call-{permit.number}")
    turns = lane.turns(10)
    with pytest.raises(RetryLater) as later:
        lane.take(turns, 10)
    assert later.value.retry_after_s is not None
    assert 0 <= later.value.retry_after_s <= OPEN_US / 1_000_000
    assert lane.clock.now_us - NOW_US < lane.vendor.dispatcher_timeout_s * 1_000_000 - 15_000_000


def test_a_contract_without_a_limit_on_submits_is_refused(store: MemoryReservationStore) -> None:
    vendor = vendor_of({"limits": []})
    with pytest.raises(ValueError, match="acme has no limit on submits"):
        next(Lane(store, vendor).turns(1))


def test_plain_pacing_pauses_before_every_call_and_has_no_permits() -> None:
    clock = VirtualClock()
    pace = DelayPace(Pacer(clock.monotonic_us, clock.sleep_us))
    vendor = vendor_of({"dispatch.pacing": "delay"})
    started_us = []
    for permit in pace.turns(vendor, Tuning(delay_ms=0, rate_per_s=4), 3):
        assert permit is None
        started_us.append(clock.now_us)
    assert started_us == [500_000, 1_000_000, 1_500_000], "two dispatchers share four a second"


def test_plain_pacing_leaves_their_part_of_the_rate_to_the_dispatchers_of_urgent_calls() -> None:
    clock = VirtualClock()
    pace = DelayPace(Pacer(clock.monotonic_us, clock.sleep_us))
    vendor = vendor_of({"dispatch.pacing": "delay", "dispatch.urgent_concurrency": 2})
    next(pace.turns(vendor, Tuning(delay_ms=0, rate_per_s=4), 1))
    assert clock.slept_us == [1_000_000], "four dispatchers share four a second"
