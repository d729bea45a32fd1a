"""Dispatcher function (hop 3). In: request messages, as a batch or from the queues. Out: one Express workflow each."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane import worker
from headway_lane.contract.dispatch import Pacing
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from headway_lane.dispatcher.admission import admission_of
from headway_lane.dispatcher.batch import open_batch
from headway_lane.dispatcher.dispatch import Dispatcher
from headway_lane.dispatcher.drain import dispatch_received, receive
from headway_lane.limiter import in_flight_tables
from headway_lane.limiter.delay import Pacer
from headway_lane.limiter.pace import DelayPace, Pace, PermitPace
from headway_lane.limiter.tables import budgets
from headway_lane.messages.received import Received
from headway_lane.runtime import clock
from headway_lane.runtime.names import Environment, Metric
from headway_lane.runtime.observability import publish
from headway_lane.runtime.settings import setting


def pace_of(vendor: Vendor) -> Pace:
    """Build the pace that a contract asks for."""
    if vendor.dispatch.pacing is Pacing.DELAY:
        return DelayPace(Pacer(clock.monotonic_us, clock.sleep_us))
    return PermitPace(budgets(Scope.SUBMIT), clock.epoch_us, clock.sleep_us)


@cache
def dispatcher() -> Dispatcher:
    """Build this worker's dispatcher from its environment."""
    return Dispatcher(
        setting(Environment.VENDOR),
        worker.profiles(),
        worker.ledger(),
        worker.waiters(),
        pace_of(worker.vendor()),
        step_functions=worker.step_functions(),
        machine_arn=setting(Environment.DISPATCH_MACHINE_ARN),
        epoch_s=clock.epoch_s,
        admission_of=admission_of(in_flight_tables.in_flight_of, clock.epoch_us, clock.sleep_us),
    )


def dispatch(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse | dict[str, int]:
    """Dispatch a batch from an event source mapping, or drain the queues where a schedule starts it."""
    return dispatch_batch(event, context) if "Records" in event else drain(event)


def dispatch_batch(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Dispatch a batch from the event source mapping; only the messages that failed come back."""
    queue_urls = worker.request_queue_urls()
    messages = {record["messageId"]: Received.of_record(SQSRecord(record), queue_urls) for record in event["Records"]}
    received = list(messages.values())
    urgent = received[0].origin.is_urgent(queue_urls)  # all of one queue
    with open_batch(dispatcher(), worker.request_queues(), received, urgent) as batch:

        def dispatch_record(record: SQSRecord) -> None:
            batch.dispatch(messages[record.message_id])

        processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        response = process_partial_response(event, dispatch_record, processor, context)
    publish(setting(Environment.VENDOR), batch.counts)
    return response


def drain(event: dict[str, Any]) -> dict[str, int]:
    """Dispatch at most `batch_size` waiting requests; the schedule's input names the number."""
    received = receive(worker.sqs(), worker.request_queue_urls(), event["batch_size"])
    with open_batch(dispatcher(), worker.request_queues(), received) as batch:
        dispatch_received(worker.sqs(), received, batch)
    publish(setting(Environment.VENDOR), batch.counts)
    return {"received": len(received), "dispatched": batch.counts[Metric.CALLS_DISPATCHED]}
