"""SQS in virtual time: at least once, visibility timeouts, delays, dead-letter queues; moto's has the wall clock."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from botocore.awsrequest import AWSPreparedRequest

from tests.matrix.network import REGION, Response
from tests.matrix.wire import checked
from tests.matrix.world import World

ACCOUNT: Final = "123456789012"
MAX_RECEIVE_COUNT: Final = 3
LARGEST_BYTES: Final = 1_048_576
LONGEST_DELAY_S: Final = 900


def url_of(name: str) -> str:
    """Return the URL of a queue."""
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"


@dataclass(slots=True)
class Message:
    """A message in a queue; `visible_us` is when it can be received next."""

    message_id: str
    body: str
    group: str | None
    attributes: Mapping[str, Any]
    sent_us: int
    visible_us: int
    received_count: int = 0
    receipt: str = ""
    repeated: bool = False


@dataclass(slots=True)
class Queue:
    """A queue; without `dlq` messages come back for ever."""

    name: str
    visibility_s: float = 30
    dlq: "Queue | None" = None
    messages: dict[str, Message] = field(default_factory=dict)
    arrived: Callable[[int], None] = lambda _: None
    """Told when something becomes visible."""


class Sqs:
    """The queues of a run. With `twice` each message comes again after its deletion, as a standard queue's may."""

    def __init__(self, world: World, *, twice: bool = False) -> None:
        self._world, self._twice = world, twice
        self._numbers = count(1)
        self.queues: dict[str, Queue] = {}

    def add(self, queue: Queue) -> Queue:
        """Make a queue."""
        self.queues[queue.name] = queue
        return queue

    def __call__(self, operation: str, request: AWSPreparedRequest) -> Response:
        """Answer a request as SQS does."""
        asked = checked("sqs", operation, request)
        queue = self.queues[asked["QueueUrl"].rsplit("/", 1)[-1]]
        if operation == "SendMessage":
            return self._send(queue, asked)
        if operation == "ReceiveMessage":
            received = self.receive(queue, asked.get("MaxNumberOfMessages", 1))
            answers = [
                {
                    "MessageId": message.message_id,
                    "ReceiptHandle": message.receipt,
                    "Body": message.body,
                    "Attributes": system_attributes(message),
                }
                for message in received
            ]
            return _answer({"Messages": answers} if answers else {})
        if operation == "DeleteMessage":
            self.delete(queue, asked["ReceiptHandle"])
            return _answer({})
        if operation == "ChangeMessageVisibility":
            for message in queue.messages.values():
                if message.receipt == asked["ReceiptHandle"]:
                    message.visible_us = self._world.now_us + asked["VisibilityTimeout"] * 1_000_000
                    queue.arrived(message.visible_us)
            return _answer({})
        raise NotImplementedError(operation)

    def _send(self, queue: Queue, asked: Mapping[str, Any]) -> Response:
        delay_s, body = asked.get("DelaySeconds", 0), asked["MessageBody"]
        attributes = asked.get("MessageAttributes", {})
        assert 0 <= delay_s <= LONGEST_DELAY_S, f"DelaySeconds {delay_s}"
        assert body, "SQS refuses an empty body"
        assert all(value.get("StringValue") for value in attributes.values()), "SQS refuses an empty attribute"
        assert len(body.encode()) <= LARGEST_BYTES
        message_id = self.send(queue, body, asked.get("MessageGroupId"), attributes, delay_s)
        return _answer({"MessageId": message_id, "MD5OfMessageBody": hashlib.md5(body.encode()).hexdigest()})  # noqa: S324

    def send(
        self,
        queue: Queue,
        body: str,
        group: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        delay_s: float = 0,
    ) -> str:
        """Put a message into a queue."""
        message_id, now_us = f"m{next(self._numbers)}", self._world.now_us
        visible_us = now_us + round(delay_s * 1_000_000)
        queue.messages[message_id] = Message(message_id, body, group, attributes or {}, now_us, visible_us)
        queue.arrived(visible_us)
        return message_id

    def receive(self, queue: Queue, count: int) -> list[Message]:
        """Receive what is visible, and hide it; what was received too often moves to the DLQ."""
        received: list[Message] = []
        for message in list(queue.messages.values()):
            if message.visible_us > self._world.now_us or len(received) == count:
                continue
            if queue.dlq is not None and message.received_count >= MAX_RECEIVE_COUNT:
                del queue.messages[message.message_id]
                self.send(queue.dlq, message.body, message.group, message.attributes)
                continue
            message.received_count += 1
            message.receipt = f"{message.message_id}-{message.received_count}"
            message.visible_us = self._world.now_us + round(queue.visibility_s * 1_000_000)
            queue.arrived(message.visible_us)
            received.append(message)
        return received

    def delete(self, queue: Queue, receipt: str) -> None:
        """Delete a message by the receipt of its last receive; an older one does nothing."""
        for message in list(queue.messages.values()):
            if message.receipt != receipt:
                continue
            if self._twice and not message.repeated:
                message.repeated, message.visible_us = True, self._world.now_us + 1_000_000
                queue.arrived(message.visible_us)
            else:
                del queue.messages[message.message_id]


def system_attributes(message: Message) -> dict[str, str]:
    """Return what SQS says of a message."""
    return {
        "ApproximateReceiveCount": str(message.received_count),
        "SentTimestamp": str(message.sent_us // 1_000),
        **({"MessageGroupId": message.group} if message.group else {}),
    }


def record_of(queue: Queue, message: Message) -> dict[str, Any]:
    """Return the record of a Lambda event."""
    return {
        "messageId": message.message_id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": system_attributes(message),
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in message.attributes.items()
        },
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue.name}",
        "awsRegion": REGION,
    }


def _answer(document: Any) -> Response:
    return 200, {}, json.dumps(document).encode()
