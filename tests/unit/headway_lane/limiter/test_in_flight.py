"""In-flight permits of jobs in flight: the same contract on the in-memory and the DynamoDB store, and what never
happens.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial

import pytest
from headway_lane.limiter.budget_name import in_flight_key
from headway_lane.limiter.in_flight import (
    ACQUIRE_ATTEMPTS,
    PURGE_LIMIT,
    CallEntrance,
    InFlight,
    InFlightContended,
    InFlightStore,
    draft,
)
from headway_lane.limiter.in_flight_store import DynamoInFlightStore
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.headway_lane.fakes import VirtualClock
from tests.unit.headway_lane.memory_stores import MemoryInFlightStore, budgets_table

NOW_S = 1_800_000_000
EXPIRY_S = 1_000
BUDGET = "acme#in_flight"
FOREVER = 2 * NOW_S


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Iterator[InFlightStore]:
    if request.param == "memory":
        yield MemoryInFlightStore()
        return
    with budgets_table() as table:
        yield DynamoInFlightStore(table)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW_S * 1_000_000)


def in_flight_of(store: InFlightStore, clock: VirtualClock, limit: int = 3) -> InFlight:
    return InFlight(store, "acme", limit, EXPIRY_S, clock.epoch_us)


def test_a_budget_that_nobody_opened_has_no_in_flight_permits_and_takes_none(store: InFlightStore) -> None:
    assert store.read(BUDGET) is None
    assert not store.acquire(BUDGET, {"a": FOREVER}, {}, 3)
    store.release(BUDGET, "a")
    assert store.read(BUDGET) is None, "giving back opens nothing"


def test_opening_again_loses_no_in_flight_permit(store: InFlightStore) -> None:
    store.open(BUDGET)
    assert store.read(BUDGET) == {}
    assert store.acquire(BUDGET, {"a": FOREVER}, {}, 1)
    store.open(BUDGET)
    assert store.read(BUDGET) == {"a": FOREVER}


def test_a_write_fills_the_in_flight_permits_up_to_the_limit_or_changes_nothing(store: InFlightStore) -> None:
    store.open(BUDGET)
    assert store.acquire(BUDGET, {"a": 1, "b": 2}, {}, 3)
    assert not store.acquire(BUDGET, {"c": 3, "d": 4}, {}, 3)
    assert store.read(BUDGET) == {"a": 1, "b": 2}
    assert store.acquire(BUDGET, {"c": 3}, {}, 3)
    assert not store.acquire(BUDGET, {"d": 4}, {}, 3)
    assert not store.acquire(BUDGET, {"d": 4}, {}, 2), (
        "a limit that was lowered waits for in-flight permits to be given back"
    )


def test_an_in_flight_permit_that_is_taken_is_not_taken_again(store: InFlightStore) -> None:
    store.open(BUDGET)
    assert store.acquire(BUDGET, {"a": 1}, {}, 3)
    assert not store.acquire(BUDGET, {"a": 9, "b": 9}, {}, 3)
    assert store.read(BUDGET) == {"a": 1}


def test_an_expired_in_flight_permit_goes_in_the_same_write_unless_it_is_not_as_it_was_seen(
    store: InFlightStore,
) -> None:
    store.open(BUDGET)
    assert store.acquire(BUDGET, {"a": 1, "b": 2}, {}, 2)
    assert not store.acquire(BUDGET, {"c": 9}, {"a": 7}, 2)
    assert not store.acquire(BUDGET, {"c": 9}, {"gone": 1}, 2)
    assert store.acquire(BUDGET, {"c": 9}, {"a": 1}, 2)
    assert store.read(BUDGET) == {"b": 2, "c": 9}
    assert store.acquire(BUDGET, {"b": 9}, {"b": 2}, 2), "its own expired in-flight permit"
    assert store.read(BUDGET) == {"b": 9, "c": 9}


def test_an_in_flight_permit_is_returned_once_and_a_second_time_changes_nothing(store: InFlightStore) -> None:
    store.open(BUDGET)
    store.acquire(BUDGET, {"a": 1, "b": 2}, {}, 2)
    for _ in range(2):
        store.release(BUDGET, "a")
        assert store.read(BUDGET) == {"b": 2}
    store.release(BUDGET, "b")
    assert store.read(BUDGET) == {}


def test_call_ids_are_any_text(store: InFlightStore) -> None:
    ids = ["hw-1.2", "a b", "#c0", ":room", "Grüße", "x" * 200]
    store.open(BUDGET)
    assert store.acquire(BUDGET, dict.fromkeys(ids, 5), {}, 6)
    assert store.read(BUDGET) == dict.fromkeys(ids, 5)
    for call_id in ids:
        store.release(BUDGET, call_id)
    assert store.read(BUDGET) == {}


def test_one_write_in_flight_permits_a_batch_and_purges_as_many_as_may_be(store: InFlightStore) -> None:
    """The expressions of the longest call IDs that a workflow makes stay below DynamoDB's 4 KB."""
    store.open(BUDGET)
    old = {f"{'old':0<90}{number}": 1 for number in range(PURGE_LIMIT)}
    new = {f"{'new':0<90}{number}": FOREVER for number in range(10)}
    assert store.acquire(BUDGET, old, {}, PURGE_LIMIT)
    assert store.acquire(BUDGET, new, old, 10)
    assert store.read(BUDGET) == new


def let_in(in_flight: InFlight, call_ids: Iterable[str]) -> str:
    """Let calls in, one after the other; returns who holds one then."""
    return "".join(call_id for call_id in call_ids if in_flight.acquire(call_id))


def test_calls_are_let_in_while_there_is_room_whoever_asks(store: InFlightStore, clock: VirtualClock) -> None:
    assert let_in(in_flight_of(store, clock), "ab") == "ab"
    assert let_in(in_flight_of(store, clock), "cd") == "c"
    assert let_in(in_flight_of(store, clock), "d") == ""
    assert store.read(in_flight_key("acme")) == dict.fromkeys("abc", NOW_S + EXPIRY_S)


def test_a_call_that_has_an_in_flight_permit_keeps_it_with_its_expiry(
    store: InFlightStore, clock: VirtualClock
) -> None:
    let_in(in_flight_of(store, clock), "abc")
    clock.now_us += 5_000_000
    assert let_in(in_flight_of(store, clock), "cda") == "ca"
    assert store.read(BUDGET) == dict.fromkeys("abc", NOW_S + EXPIRY_S)


def test_an_in_flight_permit_that_was_returned_is_free(store: InFlightStore, clock: VirtualClock) -> None:
    in_flight = in_flight_of(store, clock, limit=1)
    assert let_in(in_flight, "ab") == "a"
    for _ in range(2):
        in_flight.release("a")
    assert let_in(in_flight, "bc") == "b"


def test_who_looks_sees_the_calls_that_hold_one_and_not_those_whose_hold_has_expired(
    store: InFlightStore, clock: VirtualClock
) -> None:
    in_flight = in_flight_of(store, clock)
    assert in_flight.holders() == frozenset()
    let_in(in_flight, "a")
    clock.now_us += 1_000_000
    let_in(in_flight, "b")
    assert in_flight.holders() == {"a", "b"}
    clock.now_us += (EXPIRY_S - 1) * 1_000_000
    assert in_flight.holders() == {"b"}


def test_there_is_room_for_who_holds_one_and_for_others_below_the_limit(
    store: InFlightStore, clock: VirtualClock
) -> None:
    in_flight = in_flight_of(store, clock, limit=1)
    first, second = CallEntrance(in_flight, "a"), CallEntrance(in_flight, "b")
    assert (first.has_room(), second.has_room()) == (True, True)
    assert (first.enter(), second.enter()) == (True, False)
    assert (first.has_room(), second.has_room()) == (True, False)
    in_flight.release("a")
    assert second.has_room()


def test_in_flight_permits_of_crashed_calls_are_purged_by_who_needs_them_and_not_before(
    store: InFlightStore, clock: VirtualClock
) -> None:
    in_flight = in_flight_of(store, clock)
    let_in(in_flight, "ab")
    clock.now_us += EXPIRY_S * 1_000_000 - 1
    assert let_in(in_flight, "cd") == "c"
    clock.now_us += 1
    assert let_in(in_flight, "d") == "d"
    held = store.read(BUDGET)
    assert held is not None
    assert held.keys() == {"b", "c", "d"}, "one was needed"
    assert let_in(in_flight, "b") == "b"
    assert store.read(BUDGET) == {**held, "b": NOW_S + 2 * EXPIRY_S}, (
        "an expired in-flight permit of its own is renewed"
    )


def test_below_a_limit_that_was_lowered_expired_in_flight_permits_go_in_several_writes(
    store: InFlightStore, clock: VirtualClock
) -> None:
    store.open(BUDGET)
    crowd = [f"old-{number}" for number in range(3 * PURGE_LIMIT)]
    for first in range(0, len(crowd), PURGE_LIMIT):
        until_s = dict.fromkeys(crowd[first : first + PURGE_LIMIT], NOW_S + EXPIRY_S)
        assert store.acquire(BUDGET, until_s, {}, len(crowd))
    assert let_in(in_flight_of(store, clock, limit=2), "a") == ""
    clock.now_us += EXPIRY_S * 1_000_000
    assert let_in(in_flight_of(store, clock, limit=2), "abc") == "ab"
    assert store.read(BUDGET) == dict.fromkeys("ab", NOW_S + 2 * EXPIRY_S)


def test_with_room_a_call_costs_one_request_and_a_look_one_read(clock: VirtualClock) -> None:
    store = MemoryInFlightStore()
    store.open(BUDGET)
    in_flight = in_flight_of(store, clock, limit=1)
    for ask in (partial(in_flight.acquire, "a"), in_flight.holders, CallEntrance(in_flight, "b").has_room):
        before = store.request_count
        ask()
        assert store.request_count == before + 1, ask
    before = store.request_count
    assert not in_flight.acquire("b")
    assert store.request_count == before + 2, "a write that was refused, and a look why"


def test_a_race_that_is_always_lost_ends(clock: VirtualClock) -> None:
    store, numbers = MemoryInFlightStore(), iter(range(100_000))
    store.open(BUDGET)

    def shuffle() -> None:
        held = store.budgets[BUDGET]
        held.clear()
        held.update({f"other-{next(numbers)}": NOW_S for _ in range(3)})

    store.others = [shuffle] * (2 * ACQUIRE_ATTEMPTS + 2)
    with pytest.raises(InFlightContended):
        in_flight_of(store, clock).acquire("a")


CALLS = st.sampled_from("abcdefgh")
HELD = st.dictionaries(CALLS, st.integers(90, 110))


@given(held=HELD, call_ids=st.lists(CALLS, min_size=1, max_size=6), limit=st.integers(1, 6))
def test_a_draft_fits_the_limit_leaves_nobodys_in_flight_permit_and_in_flight_permits_all_that_fit(
    held: dict[str, int], call_ids: list[str], limit: int
) -> None:
    now_s = 100
    plan = draft(held, call_ids, now_s, limit)
    assert all(held[call_id] <= now_s for call_id in plan.expired)
    after = {call_id for call_id in held if call_id not in plan.expired} | set(plan.taking)
    assert not plan.taking or len(after) <= limit
    assert plan.holders == {call_id for call_id in call_ids if held.get(call_id, 0) > now_s}
    running = sum(until_s > now_s for until_s in held.values())
    assert plan.taking or not plan.expired, "nothing is purged for nothing"
    wanting = len(set(call_ids) - plan.holders)
    assert len(plan.taking) == min(wanting, max(0, limit - running))


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, int, list[str]]]:
    """Draw what happens: who (one of three callers) does what to which calls."""
    kind = st.sampled_from(["take", "take", "leave", "crash", "clock"])
    step = st.tuples(kind, st.integers(0, 2), st.lists(CALLS, min_size=1, max_size=3))
    return draw(st.lists(step, max_size=40))


@given(steps=steps(), others=st.lists(steps(), max_size=3), limit=st.integers(1, 4))
@settings(max_examples=300, deadline=None)
def test_whatever_happens_in_between_the_limit_holds_and_no_in_flight_permit_is_lost_for_longer_than_its_expiry(
    steps: list[tuple[str, int, list[str]]], others: list[list[tuple[str, int, list[str]]]], limit: int
) -> None:
    """`others` happen between the requests of a single take; a crash forgets what its caller knew."""
    store, clock = MemoryInFlightStore(), VirtualClock(NOW_S * 1_000_000)
    callers = [in_flight_of(store, clock, limit) for _ in range(3)]
    taken_s: dict[str, int] = {}

    def now_s() -> int:
        return clock.now_us // 1_000_000

    def act(kind: str, who: int, call_ids: list[str]) -> None:
        match kind:
            case "take":
                with suppress(InFlightContended):
                    let_in(callers[who], call_ids)
            case "leave":
                callers[who].release(call_ids[0])
                callers[who].release(call_ids[0])
            case "crash":
                callers[who] = in_flight_of(store, clock, limit)
            case "clock":
                clock.now_us += len(call_ids) * EXPIRY_S * 400_000

    for number, (kind, who, call_ids) in enumerate(steps):
        inside = others[number % len(others)] if others else []
        store.others = [partial(act, *step) for step in inside]
        act(kind, who, call_ids)
        store.others = []
        held = store.budgets.get(BUDGET, {})
        assert sum(until_s > now_s() for until_s in held.values()) <= len(held) <= limit
        for call_id, until_s in held.items():
            taken_s.setdefault(f"{call_id}@{until_s}", now_s())
            assert until_s <= taken_s[f"{call_id}@{until_s}"] + EXPIRY_S
    clock.now_us += (EXPIRY_S + 1) * 1_000_000
    fresh = [f"fresh-{number}" for number in range(limit)]
    assert let_in(in_flight_of(store, clock, limit), fresh) == "".join(fresh), (
        "after one expiry every in-flight permit can be taken again"
    )
