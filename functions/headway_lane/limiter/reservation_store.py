"""Books in DynamoDB: one item per budget, written whole and only over the version that was read."""

import json
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from headway_lane.limiter.budget import Entry
from headway_lane.limiter.circuit import Circuit
from headway_lane.limiter.reservations import Book, Floor, Quota, Rule, Shift, Window
from headway_lane.limiter.signals import Reason

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table


class BudgetAttribute(StrEnum):
    """Attributes of the budgets table; the key is `budget`. Rule and book are JSON: nothing selects by their parts."""

    BUDGET = "budget"
    VERSION = "version"
    RULE = "rule"
    BOOK = "book"


class DynamoBookStore:
    """Books in a DynamoDB table."""

    def __init__(self, table: "Table") -> None:
        self._table = table

    def read(self, budget: str) -> Entry | None:
        """Return the entry of a budget, read consistently; None before its first use."""
        item = self._table.get_item(Key={BudgetAttribute.BUDGET: budget}, ConsistentRead=True).get("Item")
        return _entry(item) if item else None

    def write(self, budget: str, entry: Entry) -> bool:
        """Store an entry if the stored version is the one before it. False where it is not."""
        item = {
            BudgetAttribute.BUDGET: budget,
            BudgetAttribute.VERSION: entry.version,
            BudgetAttribute.RULE: _rule_json(entry.rule),
            BudgetAttribute.BOOK: _book_json(entry.book),
        }
        version = BudgetAttribute.VERSION
        try:
            self._table.put_item(
                Item=item,  # type: ignore[arg-type] # StrEnum keys are strings
                ConditionExpression=f"attribute_not_exists(#{version}) OR #{version} = :before",
                ExpressionAttributeNames={f"#{version}": version},
                ExpressionAttributeValues={":before": entry.version - 1},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True


def _rule_json(rule: Rule) -> str:
    return json.dumps(
        {
            "interval_us": rule.interval_us,
            "headroom_us": rule.headroom_us,
            "windows": [[window.amount, window.per_us] for window in rule.windows],
            "quotas": [[quota.amount, quota.grain_us, quota.span_count] for quota in rule.quotas],
            "skew_us": rule.skew_us,
        }
    )


def _book_json(book: Book) -> str:
    return json.dumps(
        {
            "next_us": book.next_us,
            "number": book.number,
            "counts": [sorted(held.items()) for held in book.counts],
            "floors": [[floor.number, floor.slot_us] for floor in book.floors],
            "generation": book.generation,
            "void_from_us": book.void_from_us,
            "resume_us": book.resume_us,
            "braked_until_us": book.braked_until_us,
            "brake_reason": book.brake_reason,
            "circuit": asdict(book.circuit),
            "shifts": [[shift.number, shift.by_us] for shift in book.shifts],
            "shifted_us": book.shifted_us,
        }
    )


def _entry(item: Any) -> Entry:
    rule, book = json.loads(item[BudgetAttribute.RULE]), json.loads(item[BudgetAttribute.BOOK])
    return Entry(
        version=int(item[BudgetAttribute.VERSION]),
        rule=Rule(
            rule["interval_us"],
            rule["headroom_us"],
            tuple(Window(*window) for window in rule["windows"]),
            tuple(Quota(*quota) for quota in rule["quotas"]),
            rule["skew_us"],
        ),
        book=Book(
            **{
                **book,
                "counts": tuple(dict(held) for held in book["counts"]),
                "floors": tuple(Floor(*floor) for floor in book["floors"]),
                "brake_reason": Reason(book["brake_reason"]) if book.get("brake_reason") else None,
                "circuit": Circuit(**book.get("circuit", {})),
                "shifts": tuple(Shift(*shift) for shift in book["shifts"]),
            }
        ),
    )
