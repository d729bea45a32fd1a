"""Reading calls of several lanes: each from its own table, as many at once as DynamoDB takes."""

from collections.abc import Mapping
from typing import Any, cast

from headway_lane.ledger.record import CallAttribute, CallState

from headway.run.ledger_watch import BATCH_SIZE, LedgerWatch

TABLES = {"acme": "calls-of-acme", "globex": "calls-of-globex"}


class FakeDynamoDb:
    """Tables in which every call is queued; `asked` are the call IDs of each request, by table."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, list[str]]] = []

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        keys = {table: [key[CallAttribute.CALL_ID] for key in each["Keys"]] for table, each in RequestItems.items()}
        self.asked.append({table: [key["S"] for key in found] for table, found in keys.items()})
        items = {
            table: [{CallAttribute.CALL_ID: key, CallAttribute.STATE: {"S": CallState.QUEUED}} for key in found]
            for table, found in keys.items()
        }
        return {"Responses": items}


def test_calls_are_read_from_the_tables_of_their_vendors_in_one_request() -> None:
    dynamodb = FakeDynamoDb()
    seen = LedgerWatch(cast("Any", dynamodb), TABLES).read([("acme", "a-1"), ("globex", "g-1"), ("acme", "a-2")])
    assert dynamodb.asked == [{"calls-of-acme": ["a-1", "a-2"], "calls-of-globex": ["g-1"]}]
    assert {call_id: sight.state for call_id, sight in seen.items()} == dict.fromkeys(
        ("a-1", "g-1", "a-2"), CallState.QUEUED
    )


def test_a_request_asks_for_no_more_calls_than_dynamodb_takes_whosever_they_are() -> None:
    dynamodb = FakeDynamoDb()
    calls = [(("acme", "globex")[number % 2], f"call-{number}") for number in range(2 * BATCH_SIZE + 1)]
    assert set(LedgerWatch(cast("Any", dynamodb), TABLES).read(calls)) == {call_id for _, call_id in calls}
    assert [sum(map(len, asked.values())) for asked in dynamodb.asked] == [BATCH_SIZE, BATCH_SIZE, 1]
