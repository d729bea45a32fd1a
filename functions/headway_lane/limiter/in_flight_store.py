"""Seats in DynamoDB: one item per vendor in the budgets table, changed key by key and never written whole.

Call IDs are aliased, because they hold characters that paths do not. The condition counts with `size()`, so no version
is needed: writers who do not compete for the last seats do not refuse each other.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from headway_lane.limiter.in_flight import Seated
from headway_lane.limiter.reservation_store import BudgetAttribute

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table


class SeatAttribute(StrEnum):
    """Attributes of a vendor's seats, beside the key of the budgets table."""

    SEATS = "seats"


_SEATS: Final = {"#seats": SeatAttribute.SEATS.value}


class DynamoSeatStore:
    """Seats in a DynamoDB table."""

    def __init__(self, table: "Table") -> None:
        self._table = table

    def open(self, budget: str) -> None:
        """Make the map of a budget, without a seat, where there is none."""
        self._update(
            budget,
            "SET #seats = if_not_exists(#seats, :none)",
            ExpressionAttributeNames=_SEATS,
            ExpressionAttributeValues={":none": {}},
        )

    def read(self, budget: str) -> Seated | None:
        """Return all seats of a budget, expired ones too, read consistently; None where nobody has opened it."""
        item: Any = self._table.get_item(Key={BudgetAttribute.BUDGET: budget}, ConsistentRead=True).get("Item")
        return seated(item) if item else None

    def take(self, budget: str, taken: Seated, expired: Seated, limit: int) -> bool:
        """Give seats and remove expired ones in one write, as `SeatStore` says."""
        names = {call_id: f"#c{index}" for index, call_id in enumerate({**taken, **expired})}
        values = {f":t{names[call_id][2:]}": until_s for call_id, until_s in taken.items()}
        values |= {f":e{names[call_id][2:]}": until_s for call_id, until_s in expired.items()}
        purged = [call_id for call_id in expired if call_id not in taken]
        added_count = sum(call_id not in expired for call_id in taken) - len(purged)
        conditions = [
            "attribute_exists(#seats)",
            *(["size(#seats) <= :room"] if taken else []),
            *(f"attribute_not_exists(#seats.{names[call_id]})" for call_id in taken if call_id not in expired),
            *(f"#seats.{names[call_id]} = :e{names[call_id][2:]}" for call_id in expired),
        ]
        sets = [f"#seats.{names[call_id]} = :t{names[call_id][2:]}" for call_id in taken]
        removals = [f"#seats.{names[call_id]}" for call_id in purged]
        clauses = [f"SET {', '.join(sets)}"] * bool(sets) + [f"REMOVE {', '.join(removals)}"] * bool(removals)
        return self._update(
            budget,
            " ".join(clauses),
            ConditionExpression=" AND ".join(conditions),
            ExpressionAttributeNames={**_SEATS, **{name: call_id for call_id, name in names.items()}},
            ExpressionAttributeValues=values | ({":room": limit - added_count} if taken else {}),
        )

    def leave(self, budget: str, call_id: str) -> None:
        """Remove the seat of a call; nothing happens where it has none, and no item is made."""
        self._update(
            budget,
            "REMOVE #seats.#call",
            ConditionExpression="attribute_exists(#seats.#call)",
            ExpressionAttributeNames={**_SEATS, "#call": call_id},
        )

    def _update(self, budget: str, expression: str, **rest: Any) -> bool:
        """Update the item of a budget; False where the condition did not hold."""
        try:
            self._table.update_item(Key={BudgetAttribute.BUDGET: budget}, UpdateExpression=expression, **rest)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True


def seated(item: dict[str, Any]) -> Seated:
    """Return the seats of an item; DynamoDB's numbers are Decimals."""
    return {call_id: int(until_s) for call_id, until_s in item[SeatAttribute.SEATS].items()}
