"""Callback function (hop 10). In: a batch of callback messages. Out: resumed tasks; refused ones in the DLQ."""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane import worker
from headway_lane.callback.batch import CallbackBatch, put_aside, requeue
from headway_lane.callback.inbox import Inbox
from headway_lane.runtime import clock
from headway_lane.runtime.names import Environment
from headway_lane.runtime.observability import publish
from headway_lane.runtime.settings import setting
from headway_lane.runtime.warm_up import warm_up_s
from headway_lane.verification.keys import webhook_keys


@cache
def inbox() -> Inbox:
    """Build this worker's inbox from its environment."""
    return Inbox(
        profiles=worker.profiles(),
        ledger=worker.ledger(),
        settler=worker.settler(),
        claims=worker.claims(),
        keys=_keys,
        url=setting(Environment.CALLBACK_URL),
    )


def _keys() -> Sequence[str]:
    """Return the keys by which the contract verifies as it is now."""
    return webhook_keys(worker.vendor().callbacks().verification)


def receive(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Receive a batch; only callbacks that could not be processed now come back to the queue. Or be warmed up:
    what the first callback would wait for is read and built.
    """
    held_s = warm_up_s(event)
    if held_s is not None:
        inbox()
        _keys()
        clock.sleep_s(held_s)
        return {"batchItemFailures": []}
    batch = CallbackBatch(
        inbox(),
        partial(put_aside, worker.sqs(), setting(Environment.CALLBACK_DLQ_URL)),
        partial(requeue, worker.sqs(), setting(Environment.CALLBACK_QUEUE_URL)),
    )
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    response = process_partial_response(event, batch.receive, processor, context)
    for vendor, counts in batch.counts.items():
        publish(vendor, counts)
    return response
