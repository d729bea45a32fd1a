"""Seats of jobs in flight: the same contract on the in-memory and the DynamoDB store, and what never happens."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import pytest
from headway_lane.limiter.in_flight import (
    ATTEMPTS,
    PURGE_LIMIT,
    Seats,
    SeatsContended,
    SeatStore,
    Taken,
    draft,
    seat_budget,
)
from headway_lane.limiter.in_flight_store import DynamoSeatStore
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.headway_lane.books import MemorySeatStore, budgets_table
from tests.unit.headway_lane.fakes import VirtualClock

NOW_S = 1_800_000_000
EXPIRY_S = 1_000
BUDGET = "acme#in_flight"
FOREVER = 2 * NOW_S


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Iterator[SeatStore]:
    if request.param == "memory":
        yield MemorySeatStore()
        return
    with budgets_table() as table:
        yield DynamoSeatStore(table)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW_S * 1_000_000)


def seats_of(store: SeatStore, clock: VirtualClock, limit: int = 3) -> Seats:
    return Seats(store, "acme", limit, EXPIRY_S, clock.epoch_us)


def test_a_budget_that_nobody_opened_has_no_seats_and_takes_none(store: SeatStore) -> None:
    assert store.read(BUDGET) is None
    assert not store.take(BUDGET, {"a": FOREVER}, {}, 3)
    store.leave(BUDGET, "a")
    assert store.read(BUDGET) is None, "giving back opens nothing"


def test_opening_again_loses_no_seat(store: SeatStore) -> None:
    store.open(BUDGET)
    assert store.read(BUDGET) == {}
    assert store.take(BUDGET, {"a": FOREVER}, {}, 1)
    store.open(BUDGET)
    assert store.read(BUDGET) == {"a": FOREVER}


def test_a_write_fills_the_seats_up_to_the_limit_or_changes_nothing(store: SeatStore) -> None:
    store.open(BUDGET)
    assert store.take(BUDGET, {"a": 1, "b": 2}, {}, 3)
    assert not store.take(BUDGET, {"c": 3, "d": 4}, {}, 3)
    assert store.read(BUDGET) == {"a": 1, "b": 2}
    assert store.take(BUDGET, {"c": 3}, {}, 3)
    assert not store.take(BUDGET, {"d": 4}, {}, 3)
    assert not store.take(BUDGET, {"d": 4}, {}, 2), "a limit that was lowered waits for seats to be given back"


def test_a_seat_that_is_taken_is_not_taken_again(store: SeatStore) -> None:
    store.open(BUDGET)
    assert store.take(BUDGET, {"a": 1}, {}, 3)
    assert not store.take(BUDGET, {"a": 9, "b": 9}, {}, 3)
    assert store.read(BUDGET) == {"a": 1}


def test_an_expired_seat_goes_in_the_same_write_unless_it_is_not_as_it_was_seen(store: SeatStore) -> None:
    store.open(BUDGET)
    assert store.take(BUDGET, {"a": 1, "b": 2}, {}, 2)
    assert not store.take(BUDGET, {"c": 9}, {"a": 7}, 2)
    assert not store.take(BUDGET, {"c": 9}, {"gone": 1}, 2)
    assert store.take(BUDGET, {"c": 9}, {"a": 1}, 2)
    assert store.read(BUDGET) == {"b": 2, "c": 9}
    assert store.take(BUDGET, {"b": 9}, {"b": 2}, 2), "its own expired seat"
    assert store.read(BUDGET) == {"b": 9, "c": 9}


def test_a_seat_is_given_back_once_and_a_second_time_changes_nothing(store: SeatStore) -> None:
    store.open(BUDGET)
    store.take(BUDGET, {"a": 1, "b": 2}, {}, 2)
    for _ in range(2):
        store.leave(BUDGET, "a")
        assert store.read(BUDGET) == {"b": 2}
    store.leave(BUDGET, "b")
    assert store.read(BUDGET) == {}


def test_call_ids_are_any_text(store: SeatStore) -> None:
    ids = ["hw-1.2", "a b", "#c0", ":room", "Grüße", "x" * 200]
    store.open(BUDGET)
    assert store.take(BUDGET, dict.fromkeys(ids, 5), {}, 6)
    assert store.read(BUDGET) == dict.fromkeys(ids, 5)
    for call_id in ids:
        store.leave(BUDGET, call_id)
    assert store.read(BUDGET) == {}


def test_one_write_seats_a_batch_and_purges_as_many_as_may_be(store: SeatStore) -> None:
    """The expressions of the longest call IDs that a workflow makes stay below DynamoDB's 4 KB."""
    store.open(BUDGET)
    old = {f"{'old':0<90}{number}": 1 for number in range(PURGE_LIMIT)}
    new = {f"{'new':0<90}{number}": FOREVER for number in range(10)}
    assert store.take(BUDGET, old, {}, PURGE_LIMIT)
    assert store.take(BUDGET, new, old, 10)
    assert store.read(BUDGET) == new


def test_a_batch_takes_what_is_free_the_first_of_it_first(store: SeatStore, clock: VirtualClock) -> None:
    assert seats_of(store, clock).take(["a", "b"]).seated == {"a", "b"}
    assert seats_of(store, clock).take(["c", "d"]).seated == {"c"}
    assert seats_of(store, clock).take(["d"]).seated == frozenset()
    assert store.read(seat_budget("acme")) == dict.fromkeys("abc", NOW_S + EXPIRY_S)


def test_a_call_that_has_a_seat_keeps_it_with_its_expiry(store: SeatStore, clock: VirtualClock) -> None:
    seats = seats_of(store, clock)
    seats.take(["a", "b", "c"])
    clock.now_us += 5_000_000
    assert seats_of(store, clock).take(["c", "d", "a"]).seated == {"c", "a"}
    assert store.read(BUDGET) == dict.fromkeys("abc", NOW_S + EXPIRY_S)


def test_who_takes_seats_knows_which_of_them_are_new(store: SeatStore, clock: VirtualClock) -> None:
    seats = seats_of(store, clock)
    assert seats.take(["a", "b"]).new == {"a", "b"}
    assert seats_of(store, clock).take(["b", "c"]) == Taken(frozenset("bc"), frozenset("c"))
    assert seats_of(store, clock).take(["c", "d"]) == Taken(frozenset("c"), frozenset())


def test_a_seat_that_was_given_back_is_free(store: SeatStore, clock: VirtualClock) -> None:
    seats = seats_of(store, clock, limit=1)
    assert seats.take(["a"]).seated == {"a"}
    assert seats.take(["b"]).seated == frozenset()
    for _ in range(2):
        seats.leave("a")
    assert seats.take(["b"]).seated == {"b"}
    assert seats.take(["c"]).seated == frozenset()


def test_seats_of_crashed_calls_are_purged_by_who_needs_them_and_not_before(
    store: SeatStore, clock: VirtualClock
) -> None:
    seats = seats_of(store, clock)
    seats.take(["a", "b"])
    clock.now_us += EXPIRY_S * 1_000_000 - 1
    assert seats.take(["c", "d"]).seated == {"c"}
    clock.now_us += 1
    assert seats.take(["d"]).seated == {"d"}
    held = store.read(BUDGET)
    assert held is not None
    assert held.keys() == {"b", "c", "d"}, "one was needed"
    assert seats.take(["b"]).seated == {"b"}
    assert store.read(BUDGET) == {**held, "b": NOW_S + 2 * EXPIRY_S}, "an expired seat of its own is renewed"


def test_below_a_limit_that_was_lowered_expired_seats_go_in_several_writes(
    store: SeatStore, clock: VirtualClock
) -> None:
    crowd = [f"old-{number}" for number in range(3 * PURGE_LIMIT)]
    for first in range(0, len(crowd), PURGE_LIMIT):
        assert seats_of(store, clock, len(crowd)).take(crowd[first : first + PURGE_LIMIT]).new
    assert seats_of(store, clock, limit=2).take(["a"]).seated == frozenset()
    clock.now_us += EXPIRY_S * 1_000_000
    assert seats_of(store, clock, limit=2).take(["a", "b", "c"]).seated == {"a", "b"}
    assert store.read(BUDGET) == dict.fromkeys("ab", NOW_S + 2 * EXPIRY_S)


def test_with_room_a_batch_costs_one_request_and_a_poll_of_full_seats_one_read(clock: VirtualClock) -> None:
    store = MemorySeatStore()
    store.open(BUDGET)
    seats = seats_of(store, clock)
    before = store.request_count
    seats.take(["a", "b", "c"])
    assert store.request_count == before + 1
    seats.take(["d"])
    before = store.request_count
    seats.take(["d"])
    assert store.request_count == before + 1


def test_a_race_that_is_always_lost_ends(clock: VirtualClock) -> None:
    store, numbers = MemorySeatStore(), iter(range(100_000))
    store.open(BUDGET)

    def shuffle() -> None:
        held = store.budgets[BUDGET]
        held.clear()
        held.update({f"other-{next(numbers)}": NOW_S for _ in range(3)})

    store.others = [shuffle] * (2 * ATTEMPTS + 2)
    with pytest.raises(SeatsContended):
        seats_of(store, clock).take(["a"])


CALLS = st.sampled_from("abcdefgh")
HELD = st.dictionaries(CALLS, st.integers(90, 110))


@given(held=HELD, call_ids=st.lists(CALLS, min_size=1, max_size=6), limit=st.integers(1, 6))
def test_a_draft_fits_the_limit_leaves_nobodys_seat_and_seats_all_that_fit(
    held: dict[str, int], call_ids: list[str], limit: int
) -> None:
    now_s = 100
    plan = draft(held, call_ids, now_s, limit)
    assert all(held[call_id] <= now_s for call_id in plan.expired)
    after = {call_id for call_id in held if call_id not in plan.expired} | set(plan.taking)
    assert not plan.taking or len(after) <= limit
    assert plan.seated == {call_id for call_id in call_ids if held.get(call_id, 0) > now_s}
    running = sum(until_s > now_s for until_s in held.values())
    assert plan.taking or not plan.expired, "nothing is purged for nothing"
    wanting = len(set(call_ids) - plan.seated)
    assert len(plan.taking) == min(wanting, max(0, limit - running))


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, int, list[str]]]:
    """Draw what happens: who (one of three dispatchers) does what to which calls."""
    kind = st.sampled_from(["take", "take", "leave", "crash", "clock"])
    step = st.tuples(kind, st.integers(0, 2), st.lists(CALLS, min_size=1, max_size=3))
    return draw(st.lists(step, max_size=40))


@given(steps=steps(), others=st.lists(steps(), max_size=3), limit=st.integers(1, 4))
@settings(max_examples=300, deadline=None)
def test_whatever_happens_in_between_the_limit_holds_and_no_seat_is_lost_for_longer_than_its_expiry(
    steps: list[tuple[str, int, list[str]]], others: list[list[tuple[str, int, list[str]]]], limit: int
) -> None:
    """`others` happen between the requests of a single take; a crash forgets what its dispatcher knew."""
    store, clock = MemorySeatStore(), VirtualClock(NOW_S * 1_000_000)
    dispatchers = [seats_of(store, clock, limit) for _ in range(3)]
    taken_s: dict[str, int] = {}

    def now_s() -> int:
        return clock.now_us // 1_000_000

    def act(kind: str, who: int, call_ids: list[str]) -> None:
        match kind:
            case "take":
                with suppress(SeatsContended):
                    dispatchers[who].take(call_ids)
            case "leave":
                dispatchers[who].leave(call_ids[0])
                dispatchers[who].leave(call_ids[0])
            case "crash":
                dispatchers[who] = seats_of(store, clock, limit)
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
    assert seats_of(store, clock, limit).take(fresh).seated == set(fresh), (
        "after one expiry every seat can be taken again"
    )
