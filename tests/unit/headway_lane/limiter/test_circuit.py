"""The circuit of a failing vendor: probes only, one per period, and everybody after one that succeeds."""

import itertools
from dataclasses import dataclass, field

import hypothesis.strategies as st
from headway_lane.contract.limits import Limit, Scope
from headway_lane.contract.tuning import Tuning
from headway_lane.limiter.budget import Budget, budget_of
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.circuit import (
    CLOSED,
    LONGEST_OPEN_US,
    OPEN_US,
    THRESHOLD,
    Circuit,
    CircuitState,
    after_failure,
    after_success,
)
from headway_lane.limiter.core.reservations import Permit, slot_now
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.core.seen import PROBE_US, SWITCH_US
from headway_lane.limiter.core.signals import Reason
from hypothesis import given

from tests.unit.headway_lane.fakes import VENDOR_DOCUMENT, VirtualClock, vendor_of
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

RULE = rule_of([Limit(10, 1, Scope.SUBMIT), Limit(300, 60, Scope.SUBMIT)], 15_000)
NOW_US = 1_000_000_000


def opened_at(now_us: int) -> Circuit:
    circuit = CLOSED
    for number in range(THRESHOLD):
        assert circuit.closed
        circuit = after_failure(circuit, f"call-{number}", now_us, now_us)
    return circuit


def test_it_opens_after_so_many_failures_in_a_row_and_not_before() -> None:
    assert opened_at(NOW_US) == Circuit(THRESHOLD, OPEN_US, NOW_US + OPEN_US)
    circuit = CLOSED
    for number in range(THRESHOLD - 1):
        circuit = after_failure(circuit, f"call-{number}", NOW_US, NOW_US)
    assert after_failure(after_success(circuit, NOW_US), "call-9", NOW_US, NOW_US) == Circuit(1, failed=("call-9",))


def test_one_call_that_always_fails_says_nothing_of_the_vendor() -> None:
    circuit = CLOSED
    for _ in range(3 * THRESHOLD):
        circuit = after_failure(circuit, "call-0", NOW_US, NOW_US)
    assert circuit.closed
    for number in range(1, THRESHOLD):
        circuit = after_failure(circuit, f"call-{number}", NOW_US, NOW_US)
    assert not circuit.closed


def test_each_probe_that_fails_doubles_the_period_up_to_its_longest() -> None:
    circuit, periods_us = opened_at(NOW_US), []
    for _ in range(8):
        periods_us.append(circuit.period_us)
        circuit = after_failure(circuit, "probe", circuit.resume_us, circuit.resume_us)
    assert periods_us == [*(OPEN_US << doubling for doubling in range(6)), LONGEST_OPEN_US, LONGEST_OPEN_US]


def test_calls_that_left_before_it_opened_neither_prolong_nor_close_it() -> None:
    circuit = opened_at(NOW_US)
    assert after_failure(circuit, "call-9", NOW_US, NOW_US + 1) == circuit
    assert after_success(circuit, circuit.resume_us - 1) == circuit
    assert after_success(circuit, circuit.resume_us) == CLOSED


def test_it_is_half_open_from_the_moment_at_which_a_probe_may_leave() -> None:
    circuit = opened_at(NOW_US)
    times_us = (circuit.resume_us - 1, circuit.resume_us, circuit.resume_us + LONGEST_OPEN_US)
    assert [circuit.state(now_us) for now_us in times_us] == [
        CircuitState.OPEN,
        CircuitState.HALF_OPEN,
        CircuitState.HALF_OPEN,
    ]
    assert CLOSED.state(NOW_US) is CircuitState.CLOSED


@dataclass
class Lane:
    """A budget on a virtual clock, and the calls that are under way."""

    clock: VirtualClock = field(default_factory=lambda: VirtualClock(NOW_US))
    store: MemoryReservationStore = field(default_factory=MemoryReservationStore)

    def __post_init__(self) -> None:
        self.budget = Budget(self.store, Changes("acme#submit", RULE, self.clock.epoch_us))

    @property
    def circuit(self) -> Circuit:
        return self.budget.look().circuit

    def open(self) -> list[Permit]:
        permits = list(self.budget.reserve(THRESHOLD, 0))
        self.clock.now_us = permits[-1].slot_us
        assert [self.budget.failed(permit, f"call-{permit.number}") for permit in permits] == [False] * (
            THRESHOLD - 1
        ) + [True]
        return permits

    def probe(self) -> Permit:
        [probe] = self.budget.reserve(3, 0)
        self.clock.now_us = max(self.clock.now_us, probe.slot_us)
        return probe


def test_opening_voids_what_is_reserved_and_reserves_one_probe_per_period() -> None:
    lane = Lane()
    waiting = lane.budget.reserve(20, 100_000)
    for permit in waiting[:THRESHOLD]:
        lane.budget.failed(permit, f"call-{permit.number}")
    assert not [permit for permit in waiting if slot_now(RULE, permit, lane.budget.look())]
    slots_us = [lane.probe().slot_us for _ in range(3)]
    assert slots_us == [NOW_US + OPEN_US, NOW_US + 2 * OPEN_US, NOW_US + 3 * OPEN_US]


def test_within_a_horizon_there_is_the_probe_or_nothing() -> None:
    lane = Lane()
    lane.open()
    assert lane.budget.reserve(10, 500_000, 600_000) == ()
    lane.clock.now_us = lane.circuit.resume_us - 600_000
    assert len(lane.budget.reserve(10, 500_000, 600_000)) == 1
    assert lane.budget.reserve(10, 500_000, 600_000) == ()
    assert lane.budget.first_free_us() == lane.circuit.resume_us + OPEN_US


def test_who_cannot_wait_for_a_probe_comes_back_when_one_has_told_how_the_vendor_is() -> None:
    lane = Lane()
    lane.open()
    for _ in range(20):
        lane.budget.reserve(1, 0)
    assert lane.budget.first_free_us() == lane.circuit.resume_us + 20 * OPEN_US
    assert lane.budget.ask_again_us() == lane.circuit.resume_us + PROBE_US
    lane.clock.now_us = lane.circuit.resume_us + PROBE_US
    assert lane.budget.ask_again_us() == lane.clock.now_us + OPEN_US


def test_a_probe_that_is_given_back_is_the_next_one_and_holds_nobody_back_after_closing() -> None:
    lane = Lane()
    lane.open()
    probe = lane.probe()
    lane.budget.cancel([probe])
    assert lane.probe() == probe
    lane.budget.succeeded(probe)
    later = lane.budget.reserve(10, 0)
    assert later[-1].slot_us < lane.clock.now_us + 3_000_000


def test_a_probe_that_succeeds_lets_everybody_go_a_window_later() -> None:
    lane = Lane()
    lane.open()
    probe, unused = lane.probe(), lane.budget.reserve(1, 0)[0]
    lane.clock.now_us = probe.slot_us + 20_000
    lane.budget.succeeded(probe)
    assert lane.circuit == CLOSED
    permits = lane.budget.reserve(5, 0)
    assert permits[0].slot_us == lane.clock.now_us + SWITCH_US + RULE.forget_us
    assert permits[-1].slot_us - permits[0].slot_us == 4 * RULE.emission_interval_us
    assert slot_now(RULE, unused, lane.budget.look()) is None


def test_closing_keeps_to_a_cool_down_that_the_vendor_asked_for_meanwhile() -> None:
    lane = Lane()
    lane.open()
    probe = lane.probe()
    lane.budget.cool_down(60_000_000, Reason.RETRY_AFTER)
    cool_down_until_us = lane.clock.now_us + 60_000_000
    lane.budget.succeeded(probe)
    assert lane.circuit == CLOSED
    assert lane.budget.reserve(1, 0)[0].slot_us >= cool_down_until_us


def test_opening_does_not_shorten_a_cool_down() -> None:
    lane = Lane()
    lane.budget.cool_down(60_000_000, Reason.RETRY_AFTER)
    lane.open()
    assert lane.probe().slot_us >= NOW_US + 60_000_000


def test_the_healthy_path_costs_nothing() -> None:
    lane = Lane()
    [permit] = lane.budget.reserve(1, 0)
    lane.budget.look()
    read, written = lane.store.read_count, lane.store.write_count
    lane.budget.succeeded(permit)
    assert (lane.store.read_count, lane.store.write_count) == (read, written)


def test_polls_have_the_circuit_of_submits() -> None:
    poll = {"quantity": "calls", "amount": 50, "per_s": 1, "scope": "poll"}
    vendor, clock = vendor_of({"limits": [*VENDOR_DOCUMENT["limits"], poll]}), VirtualClock(NOW_US)
    tuning = Tuning(delay_ms=0, rate_per_s=10)
    budget = budget_of(MemoryReservationStore(), vendor, Scope.POLL, tuning, clock.epoch_us, clock.sleep_us)
    assert budget is not None
    for _ in range(THRESHOLD + 9):
        [permit] = budget.reserve(1, 0)
        clock.now_us = permit.slot_us
        budget.failed(permit, f"call-{permit.number}")
    assert budget.look().circuit.period_us == LONGEST_OPEN_US


EVENTS = st.lists(
    st.tuples(st.sampled_from(("leave", "fail", "succeed", "wait")), st.integers(0, 3), st.integers(0, 12_000_000)),
    max_size=80,
)


@given(events=EVENTS)
def test_whatever_fails_and_succeeds_in_whatever_order_one_call_per_period_leaves_an_open_circuit(
    events: list[tuple[str, int, int]],
) -> None:
    lane = Lane()
    under_way: list[Permit] = []
    left: list[tuple[int, Circuit]] = []
    for event, number, pause_us in events:
        if event == "wait":
            lane.clock.now_us += pause_us
        elif event == "leave":
            [permit, *_] = lane.budget.reserve(1 + number, 0)
            lane.clock.now_us = max(lane.clock.now_us, permit.slot_us)
            under_way.append(permit)
            left.append((permit.slot_us, lane.circuit))
        elif under_way:
            permit = under_way.pop(number % len(under_way))
            before = lane.circuit
            if event == "fail":
                lane.budget.failed(permit, f"call-{permit.number}")
                continue
            lane.budget.look()
            lane.budget.succeeded(permit)
            if before.closed or permit.slot_us >= before.resume_us:
                assert lane.circuit == CLOSED, "a success always closes it"
                free_us = lane.budget.first_free_us()
                assert free_us <= max(lane.clock.now_us, left[-1][0]) + SWITCH_US + RULE.forget_us + 61_000_000
    for (earlier_us, _), (later_us, circuit) in itertools.pairwise(left):
        assert later_us - earlier_us >= RULE.emission_interval_us
        if not circuit.closed:
            assert later_us >= circuit.resume_us
        if not circuit.closed and earlier_us >= circuit.resume_us:
            assert later_us - earlier_us >= circuit.period_us
