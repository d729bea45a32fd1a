"""One budget shared by many bookers: the same contract on the in-memory and the DynamoDB store."""

import itertools
from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws

from functions.contract.vendor import Limit, Scope
from functions.limiter.budget import ATTEMPTS, BookStore, Budget, Contended, Entry
from functions.limiter.permits import Rule, rule_of
from functions.limiter.store import BudgetAttribute, DynamoBookStore
from tests.unit.functions.books import MemoryBookStore, VirtualClock

RULE = rule_of([Limit(20, 1, Scope.SUBMIT), Limit(300, 60, Scope.SUBMIT)], 15_000)
SLOWER = rule_of([Limit(10, 1, Scope.SUBMIT), Limit(300, 60, Scope.SUBMIT)], 15_000)


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Iterator[BookStore]:
    if request.param == "memory":
        yield MemoryBookStore()
        return
    with mock_aws():
        table = boto3.resource("dynamodb", region_name="us-east-1").create_table(
            TableName=f"budgets-{uuid4().hex}",
            KeySchema=[{"AttributeName": BudgetAttribute.BUDGET, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": BudgetAttribute.BUDGET, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield DynamoBookStore(table)


def budget(store: BookStore, clock: VirtualClock, rule: Rule = RULE) -> Budget:
    return Budget(store, "replicate#submit", rule, clock.epoch_us)


def test_two_bookers_never_get_the_same_slot(store: BookStore) -> None:
    clock = VirtualClock()
    one, other = budget(store, clock), budget(store, clock)
    slots = [permit.slot_us for _ in range(3) for booker in (one, other) for permit in booker.book(10, 0)]
    assert slots == sorted(slots)
    assert min(later - earlier for earlier, later in itertools.pairwise(slots)) >= RULE.interval_us


def test_a_book_survives_the_store_unchanged(store: BookStore) -> None:
    clock = VirtualClock()
    budget(store, clock).book(7, 0)
    budget(store, clock).brake(3_000_000)
    entry = store.read("replicate#submit")
    assert entry is not None
    assert store.write("replicate#submit", Entry(entry.version + 1, entry.rule, entry.book))
    again = store.read("replicate#submit")
    assert again is not None
    assert (again.rule, again.book) == (entry.rule, entry.book)


def test_a_write_over_a_version_that_is_gone_is_refused(store: BookStore) -> None:
    budget(store, VirtualClock()).book(1, 0)
    entry = store.read("replicate#submit")
    assert entry is not None
    assert not store.write("replicate#submit", entry)


def test_a_brake_stops_everybody_and_is_not_doubled_by_a_second_answer_of_the_same_trouble(store: BookStore) -> None:
    clock = VirtualClock()
    one, other = budget(store, clock), budget(store, clock)
    one.book(10, 0)
    one.brake(5_000_000)
    clock.now_us += 100_000
    other.brake(5_000_000)
    assert other.look().generation == 1
    assert other.book(1, 0)[0].slot_us >= clock.now_us - 100_000 + 5_000_000


def test_a_slower_rule_waits_a_window_before_it_begins_and_a_faster_one_begins_at_once(store: BookStore) -> None:
    clock = VirtualClock()
    last = budget(store, clock).book(10, 0)[-1]
    first = budget(store, clock, SLOWER).book(1, 0)[0]
    assert first.slot_us >= clock.now_us + SLOWER.forget_us
    assert first.generation == last.generation + 1
    clock.now_us = first.slot_us
    assert budget(store, clock).book(1, 0)[0].slot_us < clock.now_us + 500_000


def test_a_batch_of_ten_costs_one_write() -> None:
    store = MemoryBookStore()
    for _ in range(30):
        budget(store, VirtualClock()).book(10, 0)
    assert store.write_count / 300 <= 0.1


class Racing(MemoryBookStore):
    """Another booker writes between every read and write, `races` times."""

    def __init__(self, races: int) -> None:
        super().__init__()
        self._races = races

    def read(self, budget: str) -> Entry | None:
        entry = super().read(budget)
        if self._races:
            self._races -= 1
            rival = Budget(_Plain(self.entries), budget, RULE, VirtualClock().epoch_us)
            rival.book(1, 0)
        return entry


class _Plain(MemoryBookStore):
    def __init__(self, entries: dict[str, Entry]) -> None:
        super().__init__()
        self.entries = entries


def test_a_lost_race_is_repeated() -> None:
    store = Racing(races=3)
    assert len(budget(store, VirtualClock()).book(5, 0)) == 5
    assert store.write_count == 4


def test_endless_races_end_with_an_error_of_their_own_and_nothing_booked() -> None:
    store = Racing(races=ATTEMPTS)
    with pytest.raises(Contended, match="replicate#submit"):
        budget(store, VirtualClock()).book(1, 0)
