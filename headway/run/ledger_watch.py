"""The ledger as a run looks at it: call IDs in, state and times out. The task token is never read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headway_lane.ledger.record import ENDED, CallAttribute, CallState

from headway.run.results import LEDGER_TIMES

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef, KeysAndAttributesTypeDef

BATCH_SIZE: Final = 100
"""The most keys of a BatchGetItem (DynamoDB service quotas)."""

FINAL_STATES: Final = frozenset(ENDED)
_READ: Final = (CallAttribute.CALL_ID.value, CallAttribute.STATE.value, *LEDGER_TIMES)


@dataclass(frozen=True, slots=True)
class CallSight:
    """A call as it stood when it was read; `times` has names of LEDGER_TIMES."""

    state: CallState
    times: Mapping[str, int]


class LedgerWatch:
    """The calls tables of lanes, by vendor; read only."""

    def __init__(self, client: "DynamoDBClient", tables: Mapping[str, str]) -> None:
        self._client = client
        self._tables = tables

    def read(self, calls: Sequence[tuple[str, str]], *, consistent: bool = False) -> dict[str, CallSight]:
        """Return by call ID what the ledger knows of calls (vendor, call ID); a consistent read costs twice as much.

        A call that is not there yet is left out, and so is one that DynamoDB had no capacity for.
        """
        seen: dict[str, CallSight] = {}
        for start in range(0, len(calls), BATCH_SIZE):
            call_ids: dict[str, list[str]] = {}
            for vendor, call_id in calls[start : start + BATCH_SIZE]:
                call_ids.setdefault(self._tables[vendor], []).append(call_id)
            wanted = {table: _wanted(of_table, consistent) for table, of_table in call_ids.items()}
            answer = self._client.batch_get_item(RequestItems=wanted)
            for items in answer["Responses"].values():
                seen |= {item[CallAttribute.CALL_ID]["S"]: _sight(item) for item in items}
        return seen


def _wanted(call_ids: Sequence[str], consistent: bool) -> "KeysAndAttributesTypeDef":
    return {
        "Keys": [{CallAttribute.CALL_ID: {"S": call_id}} for call_id in call_ids],
        "ProjectionExpression": ", ".join(f"#{name}" for name in _READ),
        "ExpressionAttributeNames": {f"#{name}": name for name in _READ},  # `state` is a reserved word
        "ConsistentRead": consistent,
    }


def _sight(item: "Mapping[str, AttributeValueTypeDef]") -> CallSight:
    times = {name: int(item[name]["N"]) for name in LEDGER_TIMES if name in item}
    return CallSight(CallState(item[CallAttribute.STATE]["S"]), times)
