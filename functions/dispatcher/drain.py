"""Drain function (hop 3, low rates). EventBridge Scheduler starts it; it takes one batch from the request queue itself.

A contract below one call per several seconds would keep a polling dispatcher idling; an interval costs one start each.
"""

from collections import Counter
from contextlib import closing
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.dispatcher.handler import count_full, dispatch_counted, dispatcher, sqs
from functions.errors import HeadwayError
from functions.names import Environment, Metric
from functions.observability import publish
from functions.settings import setting


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Dispatch at most `batch_size` waiting requests; the schedule's input names the number."""
    del context
    counts: Counter[Metric] = Counter()
    queue_url = setting(Environment.REQUEST_QUEUE_URL)
    messages = sqs().receive_message(QueueUrl=queue_url, MaxNumberOfMessages=event["batch_size"]).get("Messages", [])
    bodies = [message["Body"] for message in messages]
    with closing(dispatcher().seating(bodies)) as seating, closing(dispatcher().turns(len(messages))) as turns:
        for message in messages:
            try:
                dispatch_counted(message["Body"], turns, seating, counts)
            except HeadwayError:
                continue  # stays in the queue and moves to the DLQ by its receive count
            sqs().delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    count_full(seating, counts)
    publish(setting(Environment.VENDOR), counts)
    return {"received": len(messages), "dispatched": counts[Metric.CALLS_DISPATCHED]}
