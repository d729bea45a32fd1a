"""Reservations in DynamoDB: one item per budget, written whole and only over the version that was read."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from botocore.exceptions import ClientError

from headway_lane.limiter.core.circuit import Circuit
from headway_lane.limiter.core.measured import UNMEASURED, Measured, Times
from headway_lane.limiter.core.on_way import OnWay
from headway_lane.limiter.core.reservations import Floor, Interval, Reservations, Shift
from headway_lane.limiter.core.rule import Quota, Rule, Window
from headway_lane.limiter.core.signals import Reason
from headway_lane.limiter.core.steps import Entry, StandingRule
from headway_lane.runtime.formats import FORMAT_VERSION, Format
from headway_lane.runtime.refused_writes import item_of

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table


_TIMES: Final = ("left", "answered", "spread")
RESERVATIONS: Final = Format("the reservations of a budget", version=3)


class BudgetAttribute(StrEnum):
    """Attributes of the budgets table; the key is `budget`. Rules and reservations are JSON, never selected by."""

    BUDGET = "budget"
    VERSION = "version"
    RULE = "rule"
    RESERVATIONS = "reservations"
    STANDING = "standing"
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
            BudgetAttribute.STANDING: _standing_json(entry.standing),
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


def _standing_json(standing: Iterable[StandingRule]) -> str:
    return json.dumps([[_rule_json(each.rule), *each[1 : 3 if each.announced else 2]] for each in standing])


def _standing_rule(rule: str, until_us: int, announced: Sequence[int] | None = None) -> StandingRule:
    return StandingRule(_rule(rule), until_us, (announced[0], announced[1]) if announced else None)


def _rule_json(rule: Rule) -> str:
    return json.dumps(
        {
            "headroom_us": rule.headroom_us,
            "windows": [[window.amount, window.per_us] for window in rule.windows],
            "quotas": [[quota.amount, quota.grain_us, quota.span_count] for quota in rule.quotas],
            "least_interval_us": rule.least_interval_us,
            "skew_us": rule.skew_us,
            "headroom_limit_us": rule.headroom_limit_us,
            "day_amount": rule.day_amount,
            "ceiling": rule.ceiling and [rule.ceiling.amount, rule.ceiling.per_us],
        }
    )


def _rule(text: str) -> Rule:
    """Read a rule. One of format 1 names its whole interval, and has the headroom for good."""
    known = json.loads(text)
    interval_us = known.pop("emission_interval_us", 0)
    known = {"least_interval_us": interval_us, "headroom_limit_us": known["headroom_us"], **known}
    windows, quotas = (tuple(Window(*of) for of in known["windows"]), tuple(Quota(*of) for of in known["quotas"]))
    ceiling = Window(*known["ceiling"]) if known.get("ceiling") else None
    return Rule(**{**known, "windows": windows, "quotas": quotas, "ceiling": ceiling})


def _reservations_json(reservations: Reservations) -> str:
    return json.dumps(
        {
            **{field.name: getattr(reservations, field.name) for field in fields(reservations)},
            "circuit": asdict(reservations.circuit),
            "counts": [sorted(held.items()) for held in reservations.counts],
            "floors": [[floor.number, floor.slot_us] for floor in reservations.floors],
            "intervals": [[interval.number, interval.us] for interval in reservations.intervals],
            "shifts": [[shift.number, shift.by_us] for shift in reservations.shifts],
            "on_way": asdict(reservations.on_way),
            "measured": _measured_document(reservations.measured),
        }
    )


def _circuit(document: Mapping[str, Any]) -> Circuit:
    return Circuit(**{**document, "failed": tuple(document.get("failed", ()))})


def _measured_document(measured: Measured) -> Mapping[str, Any]:
    """Write times down by their classes: most are empty."""
    times = {
        name: [[index, count] for index, count in enumerate(getattr(measured, name).counts) if count] for name in _TIMES
    }
    return {**times, "least_us": measured.least_us, "epoch_count": measured.epoch_count}


def _measured(document: Mapping[str, Any]) -> Measured:
    least_us: Any = tuple(document["least_us"])
    times = {name: _times(document[name]) for name in _TIMES}
    return Measured(**times, least_us=least_us, epoch_count=document["epoch_count"])


def _times(classes: Iterable[tuple[int, int]]) -> Times:
    held = dict(classes)
    return Times(tuple(held.get(index, 0) for index in range(len(Times().counts))))


def _entry(item: Any) -> Entry:
    RESERVATIONS.check(item)
    reservations = json.loads(item[BudgetAttribute.RESERVATIONS])
    reason, measured = reservations.get("cool_down_reason"), reservations.get("measured")
    return Entry(
        version=int(item[BudgetAttribute.VERSION]),
        rule=_rule(item[BudgetAttribute.RULE]),
        reservations=Reservations(
            **{
                **reservations,
                "counts": tuple(dict(held) for held in reservations["counts"]),
                "floors": tuple(Floor(*floor) for floor in reservations["floors"]),
                "cool_down_reason": Reason(reason) if reason else None,
                "circuit": _circuit(reservations.get("circuit", {})),
                "intervals": tuple(Interval(*interval) for interval in reservations.get("intervals", [])),
                "shifts": tuple(Shift(*shift) for shift in reservations["shifts"]),
                "on_way": OnWay(**reservations.get("on_way", {})),
                "measured": _measured(measured) if measured else UNMEASURED,
            }
        ),
        standing=tuple(_standing_rule(*each) for each in json.loads(item.get(BudgetAttribute.STANDING, "[]"))),
    )
