"""The calls of an execution (beside hop 10), by an index of the calls table; a new call may not be in it yet."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.conditions import Key

from headway_lane.ledger.record import EXECUTION_INDEX, CallAttribute

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

PAGE_COUNT: Final = 50
"""Calls that are looked up at one time: what follows for each of them has to fit into one invocation."""


def calls_of(calls: "Table", execution: str, after: str) -> tuple[Sequence[str], str]:
    """Return the IDs of some calls of an execution, those behind the call ID `after`, and behind which the next ones
    are; empty where there are no more.
    """
    begin: dict[str, Any] = {}
    if after:
        begin["ExclusiveStartKey"] = {CallAttribute.EXECUTION: execution, CallAttribute.CALL_ID: after}
    found = calls.query(
        IndexName=EXECUTION_INDEX,
        KeyConditionExpression=Key(CallAttribute.EXECUTION).eq(execution),
        Limit=PAGE_COUNT,
        **begin,
    )
    last = found.get("LastEvaluatedKey", {})
    return [str(item[CallAttribute.CALL_ID]) for item in found["Items"]], str(last.get(CallAttribute.CALL_ID, ""))
