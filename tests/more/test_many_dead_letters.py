"""Twenty thousand dead letters are listed in the memory that a thousand take."""

import json
import tracemalloc
from dataclasses import dataclass
from typing import Any

from headway.deployment.connection import Connection
from headway.operations.dead_letters import Wanted, dead_letters
from tests.unit.headway.connections import MotoTarget, lane_of, stage_of

NOW_S = 2_000_000.0
FAILED = json.dumps({"call": {"call_id": "call-1", "payload": {"text": "x" * 500}}, "error": "Vendor.Rejected"})


class EndlessSqs:
    """A DLQ of many messages, which makes each as it is asked for; what is released is counted."""

    def __init__(self, count: int) -> None:
        self.left_count, self.released_count = count, 0

    def receive_message(self, **asked: Any) -> dict[str, Any]:
        page_count = min(self.left_count, asked["MaxNumberOfMessages"])
        page = [
            {
                "MessageId": f"m-{number}",
                "ReceiptHandle": f"{number:0200}",
                "Body": FAILED,
                "Attributes": {"SentTimestamp": "1000000000"},
            }
            for number in range(self.left_count - page_count, self.left_count)
        ]
        self.left_count -= page_count
        return {"Messages": page} if page else {}

    def change_message_visibility_batch(self, **asked: Any) -> None:
        self.released_count += len(asked["Entries"])


@dataclass(frozen=True)
class EndlessTarget(MotoTarget):
    """A cloud whose SQS is such a DLQ."""

    sqs: Any = None

    def client(self, name: str) -> Any:
        return self.sqs


def peak_bytes(count: int) -> int:
    """List so many dead letters, and return the most memory that it took."""
    sqs = EndlessSqs(count)
    connection = Connection("aws", EndlessTarget(sqs=sqs), stage_of({"acme": lane_of()}))
    tracemalloc.start()
    try:
        assert sum(1 for _ in dead_letters(connection, Wanted(), NOW_S)) == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert sqs.released_count == count


def test_twenty_thousand_dead_letters_take_no_more_memory_than_a_thousand() -> None:
    few_bytes, many_bytes = peak_bytes(1_000), peak_bytes(20_000)
    assert many_bytes < few_bytes + 200_000
