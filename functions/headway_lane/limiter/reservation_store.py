"""Reservations in DynamoDB: one item per budget, written whole and only over the version that was read."""

import json
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from botocore.exceptions import ClientError

from headway_lane.limiter.core.circuit import Circuit
from headway_lane.limiter.core.reservations import Floor, Quota, Reservations, Rule, Shift, Window
from headway_lane.limiter.core.signals import Reason
from headway_lane.limiter.core.steps import Entry
from headway_lane.runtime.formats import FORMAT_VERSION, Format
from headway_lane.runtime.refused_writes import item_of

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table


RESERVATIONS: Final = Format("the reservations of a budget", version=1)


class BudgetAttribute(StrEnum):
    """Attributes of the budgets table; the key is `budget`. Rule and reservations are JSON, never selected by."""

    BUDGET = "budget"
    VERSION = "version"
    RULE = "rule"
    RESERVATIONS = "reservations"
    WRITE_ID = "write_id"
    """Signs the last write, so that its writer knows its own work again where only the response was lost."""
    FORMAT_VERSION = FORMAT_VERSION


class DynamoReservationStore:
    """Reservations in a DynamoDB table."""

    def __init__(self, table: "Table") -> None:
        self._table = table

    def read(self, budget: str) -> Entry | None:
        """Return the entry of a budget, read consistently; None before its first use. Raises NewerFormat, so that what
        newer code has written is never written over: `write` goes over the version that was read.
        """
        item = self._table.get_item(Key={BudgetAttribute.BUDGET: budget}, ConsistentRead=True).get("Item")
        return _entry(item) if item else None

    def write(self, budget: str, entry: Entry) -> bool:
        """Store an entry if the stored version is the one before it. False where it is not, unless this very write has
        been there: an SDK repeats what got no response.
        """
        write_id = uuid4().hex
        item = {
            BudgetAttribute.BUDGET: budget,
            BudgetAttribute.VERSION: entry.version,
            BudgetAttribute.RULE: _rule_json(entry.rule),
            BudgetAttribute.RESERVATIONS: _reservations_json(entry.reservations),
            BudgetAttribute.WRITE_ID: write_id,
            **RESERVATIONS.stamp,
        }
        version = BudgetAttribute.VERSION
        try:
            self._table.put_item(
                Item=item,  # type: ignore[arg-type] # StrEnum keys are strings
                ConditionExpression=f"attribute_not_exists(#{version}) OR #{version} = :before",
                ExpressionAttributeNames={f"#{version}": version},
                ExpressionAttributeValues={":before": entry.version - 1},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return item_of(error).get(BudgetAttribute.WRITE_ID) == write_id
        return True


def _rule_json(rule: Rule) -> str:
    return json.dumps(
        {
            "emission_interval_us": rule.emission_interval_us,
            "headroom_us": rule.headroom_us,
            "windows": [[window.amount, window.per_us] for window in rule.windows],
            "quotas": [[quota.amount, quota.grain_us, quota.span_count] for quota in rule.quotas],
            "skew_us": rule.skew_us,
        }
    )


def _reservations_json(reservations: Reservations) -> str:
    return json.dumps(
        {
            "theoretical_arrival_us": reservations.theoretical_arrival_us,
            "number": reservations.number,
            "counts": [sorted(held.items()) for held in reservations.counts],
            "floors": [[floor.number, floor.slot_us] for floor in reservations.floors],
            "generation": reservations.generation,
            "void_from_us": reservations.void_from_us,
            "resume_us": reservations.resume_us,
            "cool_down_until_us": reservations.cool_down_until_us,
            "cool_down_reason": reservations.cool_down_reason,
            "circuit": asdict(reservations.circuit),
            "shifts": [[shift.number, shift.by_us] for shift in reservations.shifts],
            "shifted_us": reservations.shifted_us,
        }
    )


def _entry(item: Any) -> Entry:
    RESERVATIONS.check(item)
    rule, reservations = json.loads(item[BudgetAttribute.RULE]), json.loads(item[BudgetAttribute.RESERVATIONS])
    return Entry(
        version=int(item[BudgetAttribute.VERSION]),
        rule=Rule(
            rule["emission_interval_us"],
            rule["headroom_us"],
            tuple(Window(*window) for window in rule["windows"]),
            tuple(Quota(*quota) for quota in rule["quotas"]),
            rule["skew_us"],
        ),
        reservations=Reservations(
            **{
                **reservations,
                "counts": tuple(dict(held) for held in reservations["counts"]),
                "floors": tuple(Floor(*floor) for floor in reservations["floors"]),
                "cool_down_reason": Reason(reservations["cool_down_reason"])
                if reservations.get("cool_down_reason")
                else None,
                "circuit": Circuit(**reservations.get("circuit", {})),
                "shifts": tuple(Shift(*shift) for shift in reservations["shifts"]),
            }
        ),
    )
