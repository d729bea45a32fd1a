"""In-flight permits in DynamoDB: one item per vendor in the budgets table, changed key by key and never written whole.

Call IDs are aliased, because they hold characters that paths do not. The condition counts with `size()`, so none
of the writes is counted: writers who do not compete for the last in-flight permits do not refuse each other.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from headway_lane.limiter.in_flight import Holders
from headway_lane.limiter.reservation_store import BudgetAttribute
from headway_lane.runtime.formats import FORMAT_VERSION, NAMES, UNDERSTOOD, Format
from headway_lane.runtime.refused_writes import item_of

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table


class InFlightAttribute(StrEnum):
    """Attributes of a vendor's in-flight permits, beside the key of the budgets table."""

    HOLDERS = "holders"
    FORMAT_VERSION = FORMAT_VERSION


HOLDERS: Final = Format("the in-flight permits", version=1)
_NAMES: Final = {"#holders": InFlightAttribute.HOLDERS.value, **NAMES}


class DynamoInFlightStore:
    """In-flight permits in a DynamoDB table. Where newer code has written them nothing changes them, and `read` and
    `release` raise NewerFormat.
    """

    def __init__(self, table: "Table") -> None:
        self._table = table

    def open(self, budget: str) -> None:
        """Make the map of a budget, empty, where there is none."""
        self._update(
            budget,
            f"SET #holders = if_not_exists(#holders, :none), #{FORMAT_VERSION} = :{FORMAT_VERSION}",
            [],
            {},
            {":none": {}},
        )

    def read(self, budget: str) -> Holders | None:
        """Return all holders of a budget, expired ones too, read consistently; None where nobody has opened it."""
        item: Any = self._table.get_item(Key={BudgetAttribute.BUDGET: budget}, ConsistentRead=True).get("Item")
        return holders(item) if item else None

    def acquire(self, budget: str, taken: Holders, expired: Holders, limit: int) -> bool:
        """Let calls in and remove expired holders in one write, as `InFlightStore` says."""
        names = {call_id: f"#c{index}" for index, call_id in enumerate({**taken, **expired})}
        values = {f":t{names[call_id][2:]}": until_s for call_id, until_s in taken.items()}
        values |= {f":e{names[call_id][2:]}": until_s for call_id, until_s in expired.items()}
        purged = [call_id for call_id in expired if call_id not in taken]
        added_count = sum(call_id not in expired for call_id in taken) - len(purged)
        conditions = [
            "attribute_exists(#holders)",
            *(["size(#holders) <= :room"] if taken else []),
            *(f"attribute_not_exists(#holders.{names[call_id]})" for call_id in taken if call_id not in expired),
            *(f"#holders.{names[call_id]} = :e{names[call_id][2:]}" for call_id in expired),
        ]
        sets = [f"#holders.{names[call_id]} = :t{names[call_id][2:]}" for call_id in taken]
        removals = [f"#holders.{names[call_id]}" for call_id in purged]
        clauses = [f"SET {', '.join(sets)}"] * bool(sets) + [f"REMOVE {', '.join(removals)}"] * bool(removals)
        return self._update(
            budget,
            " ".join(clauses),
            conditions,
            {name: call_id for call_id, name in names.items()},
            values | ({":room": limit - added_count} if taken else {}),
        )

    def release(self, budget: str, call_id: str) -> None:
        """Remove a call from the holders; nothing happens where it is none, and no item is made."""
        # Only here a refused write asks for the item, which may be large: after `acquire` and `open` it is read anyway.
        self._update(
            budget, "REMOVE #holders.#call", ["attribute_exists(#holders.#call)"], {"#call": call_id}, {}, refuse=True
        )

    def _update(
        self,
        budget: str,
        expression: str,
        conditions: Sequence[str],
        names: Mapping[str, str],
        values: Mapping[str, Any],
        *,
        refuse: bool = False,
    ) -> bool:
        """Update the item of a budget; False where the conditions did not hold. `refuse` asks whether it is newer."""
        try:
            self._table.update_item(
                Key={BudgetAttribute.BUDGET: budget},
                UpdateExpression=expression,
                ConditionExpression=" AND ".join([UNDERSTOOD, *conditions]),
                ExpressionAttributeNames={**_NAMES, **names},
                ExpressionAttributeValues={**HOLDERS.values, **values},
                ReturnValuesOnConditionCheckFailure="ALL_OLD" if refuse else "NONE",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            HOLDERS.check(item_of(error))
            return False
        return True


def holders(item: dict[str, Any]) -> Holders:
    """Return the holders of an item; DynamoDB's numbers are Decimals. Raises NewerFormat."""
    HOLDERS.check(item)
    return {call_id: int(until_s) for call_id, until_s in item[InFlightAttribute.HOLDERS].items()}
