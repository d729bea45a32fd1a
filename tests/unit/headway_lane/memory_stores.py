"""The stores of reservations and in-flight permits for tests: in memory, and the table of the real ones."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
from headway_lane.limiter.core.steps import Entry
from headway_lane.limiter.in_flight import Holders
from headway_lane.limiter.reservation_store import BudgetAttribute
from moto import mock_aws

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table


@contextmanager
def budgets_table() -> Iterator["Table"]:
    """Make a table for budgets that nobody else uses."""
    with mock_aws():
        yield boto3.resource("dynamodb", region_name="us-east-1").create_table(
            TableName=f"budgets-{uuid4().hex}",
            KeySchema=[{"AttributeName": BudgetAttribute.BUDGET, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": BudgetAttribute.BUDGET, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )


class MemoryReservationStore:
    """Keeps entries in a dictionary; counts reads and writes like the real one would be billed. The next `races` writes
    are lost to somebody else.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.read_count = 0
        self.write_count = 0
        self.races = 0

    def read(self, budget: str) -> Entry | None:
        self.read_count += 1
        return self.entries.get(budget)

    def write(self, budget: str, entry: Entry) -> bool:
        self.write_count += 1
        if self.races:
            self.races -= 1
            return False
        stored = self.entries.get(budget)
        if (stored.version if stored else 0) != entry.version - 1:
            return False
        self.entries[budget] = entry
        return True


class MemoryInFlightStore:
    """Keeps holders in dictionaries; counts its requests. Before each of them the next of `others` happens."""

    def __init__(self) -> None:
        self.budgets: dict[str, dict[str, int]] = {}
        self.others: list[Callable[[], object]] = []
        self.request_count = 0

    def open(self, budget: str) -> None:
        self._requested()
        self.budgets.setdefault(budget, {})

    def read(self, budget: str) -> Holders | None:
        self._requested()
        held = self.budgets.get(budget)
        return None if held is None else dict(held)

    def acquire(self, budget: str, taken: Holders, expired: Holders, limit: int) -> bool:
        self._requested()
        held = self.budgets.get(budget)
        if held is None or any(held.get(call_id) != until_s for call_id, until_s in expired.items()):
            return False
        rest = {call_id: until_s for call_id, until_s in held.items() if call_id not in expired}
        if rest.keys() & taken.keys() or (taken and len(rest) + len(taken) > limit):
            return False
        self.budgets[budget] = {**rest, **taken}
        return True

    def release(self, budget: str, call_id: str) -> None:
        self._requested()
        self.budgets.get(budget, {}).pop(call_id, None)

    def _requested(self) -> None:
        self.request_count += 1
        if self.others:
            self.others.pop(0)()
