"""Drain function (hop 3, low rates). EventBridge Scheduler starts it; it takes one batch from the request queues
itself, from the urgent one first.

A contract below one call per several seconds would keep a polling dispatcher idling; an interval costs one start each.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane.dispatcher.handler import count_full, dispatch_counted, dispatcher, sqs
from headway_lane.messages.origin import GROUP_ATTRIBUTE, Origin, request_queue_urls
from headway_lane.runtime.errors import HeadwayError
from headway_lane.runtime.names import Environment, Metric
from headway_lane.runtime.observability import publish
from headway_lane.runtime.settings import setting

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageTypeDef


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Dispatch at most `batch_size` waiting requests; the schedule's input names the number."""
    del context
    counts: Counter[Metric] = Counter()
    received = receive(event["batch_size"])
    bodies = [message["Body"] for _, message in received]
    with closing(dispatcher().admission(bodies)) as admission, closing(dispatcher().turns(len(bodies))) as turns:
        for queue_url, message in received:
            try:
                dispatch_counted(message["Body"], Origin.of_message(queue_url, message), turns, admission, counts)
            except HeadwayError:
                continue  # stays in the queue and moves to the DLQ by its receive count
            sqs().delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    count_full(admission, counts)
    publish(setting(Environment.VENDOR), counts)
    return {"received": len(received), "dispatched": counts[Metric.CALLS_DISPATCHED]}


def receive(count: int) -> Sequence[tuple[str, "MessageTypeDef"]]:
    """Receive at most `count` messages, each with the URL of its queue: the normal ones fill what is not urgent."""
    received: list[tuple[str, MessageTypeDef]] = []
    for queue_url in request_queue_urls():
        if len(received) < count:
            answer = sqs().receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=count - len(received),
                MessageSystemAttributeNames=[GROUP_ATTRIBUTE],
            )
            received += [(queue_url, message) for message in answer.get("Messages", [])]
    return received
