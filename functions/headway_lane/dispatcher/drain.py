"""Draining (hop 3, low rates): one batch is taken from the request queues themselves, from the urgent one first.

A contract below one call per several seconds would keep a polling dispatcher idling; an interval costs one start each.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headway_lane.dispatcher.batch import RequestBatch
from headway_lane.messages.received import ASKED_ATTRIBUTES, Received
from headway_lane.runtime.aws import RECEIVE_WAIT_S
from headway_lane.runtime.errors import HeadwayError

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


def receive(sqs: "SQSClient", queue_urls: Sequence[str], count: int) -> Sequence[Received]:
    """Receive at most `count` messages: those of the later queues fill what the earlier ones leave."""
    received: list[Received] = []
    for queue_url in queue_urls:
        if len(received) < count:
            answer = sqs.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=count - len(received),
                WaitTimeSeconds=RECEIVE_WAIT_S,
                MessageSystemAttributeNames=list(ASKED_ATTRIBUTES),
            )
            received += [Received.of_message(queue_url, message) for message in answer.get("Messages", [])]
    return received


def dispatch_received(sqs: "SQSClient", received: Sequence[Received], batch: RequestBatch) -> None:
    """Dispatch each message and delete it. One that is malformed stays, and moves to the DLQ by its receive count."""
    for request in received:
        try:
            batch.dispatch(request)
        except HeadwayError:
            continue
        sqs.delete_message(QueueUrl=request.origin.queue_url, ReceiptHandle=request.receipt)
