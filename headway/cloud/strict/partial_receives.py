"""A standard queue gives a part, gives nothing, gives twice, gives out of order; ministack is always exact.

AWS: a receive without a wait asks a sample of the servers, so that it may return fewer messages than there are, or
none (botocore: ReceiveMessage); a standard queue delivers at least once, in an order of best effort ("Amazon SQS
standard queues", "At-least-once delivery", SQS developer guide). Long polls, such as those of event source mappings,
ask all servers, but get duplicates and disorder too. FIFO queues are exact. How often, and from which seed, says
HEADWAY_SQS (`_deliveries`). A second delivery has a receipt of its own, which is then the only one that deletes. A copy
that outlives its delete, which AWS knows too (botocore: DeleteMessage), does not come here.

ministack's choice of messages is wrapped, so that fair queues choose among what a receive sees.
"""

import json
import os
import time
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from random import Random
from typing import Any

from ministack.services import sqs

from headway.cloud.strict._deliveries import Deliveries
from headway.cloud.strict._variables import DELIVERIES_VARIABLE

_waits: ContextVar[bool] = ContextVar("waits", default=True)
"""Whether the receive at hand polls long; event source mappings always do."""


def apply() -> None:
    """Let receives see what the draws of their queue say."""
    deliveries = Deliveries.of(os.environ.get(DELIVERIES_VARIABLE, ""))
    draws_of: dict[str, Random] = {}
    collect, receive = sqs._collect_msgs, sqs._act_receive_message

    async def receive_noted(data: dict[str, Any], url: str) -> Any:
        wait = data.get("WaitTimeSeconds")
        if wait is None:
            queue = sqs._get_q(data.get("QueueUrl", url), "sqs:ReceiveMessage")
            wait = queue["attributes"].get("ReceiveMessageWaitTimeSeconds", 0)
        token = _waits.set(int(wait) > 0)
        try:
            return await receive(data, url)
        finally:
            _waits.reset(token)

    def collect_inexactly(queue: MutableMapping[str, Any], count: int, visibility_s: int) -> Any:
        messages = queue["messages"]
        if queue["is_fifo"] or not messages:
            return collect(queue, count, visibility_s)
        arn = queue["attributes"]["QueueArn"]
        if arn not in draws_of:
            draws_of[arn] = deliveries.of_queue(arn)
        draws = draws_of[arn]
        seen = deliveries.seen(draws, messages, waits=_waits.get())
        if seen is messages:
            received = collect(queue, count, visibility_s)
        else:
            view = {**queue, "messages": seen}
            received = collect(view, count, visibility_s)
            queue.update((name, value) for name, value in view.items() if name != "messages")
        for message in received:
            if draws.random() < deliveries.duplicate and _may_come_again(queue, message):
                message["visible_at"] = time.time()
        return received

    sqs._act_receive_message = sqs._HANDLERS["ReceiveMessage"] = receive_noted
    sqs._collect_msgs = collect_inexactly


def _may_come_again(queue: Mapping[str, Any], message: Mapping[str, Any]) -> bool:
    """Return whether a message stays in its queue: after its last receive ministack would move it, in flight or not."""
    policy = queue["attributes"].get("RedrivePolicy")
    return not policy or message["receive_count"] < int(json.loads(policy)["maxReceiveCount"])
