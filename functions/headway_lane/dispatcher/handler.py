"""Dispatcher function (hop 3). In: a batch of request messages. Out: one Express workflow each, failures by item."""

from collections import Counter
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane.contract.profile import AppConfigProfiles
from headway_lane.contract.vendor import Pacing, Scope, Vendor
from headway_lane.dispatcher.admission import Admission, admission_of
from headway_lane.dispatcher.dispatch import Dispatcher
from headway_lane.ledger.tables import ledger
from headway_lane.limiter import in_flight_tables
from headway_lane.limiter.delay import Pacer
from headway_lane.limiter.pace import DelayPace, Pace, PermitPace, Turns
from headway_lane.limiter.tables import budgets
from headway_lane.messages.origin import Origin
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.resume.task_token import TaskTokens
from headway_lane.runtime import aws, clock
from headway_lane.runtime.errors import Malformed, RetryLater
from headway_lane.runtime.names import Environment, Metric
from headway_lane.runtime.observability import logger, publish
from headway_lane.runtime.settings import setting

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


def pace_of(vendor: Vendor) -> Pace:
    """Build the pace that a contract asks for."""
    if vendor.dispatch.pacing is Pacing.DELAY:
        return DelayPace(Pacer(clock.monotonic_us, clock.sleep_us))
    return PermitPace(budgets(Scope.SUBMIT), clock.epoch_us, clock.sleep_us)


@cache
def dispatcher() -> Dispatcher:
    """Build this worker's dispatcher from its environment."""
    step_functions = aws.step_functions()
    profiles = AppConfigProfiles(setting(Environment.CONFIG_APPLICATION))
    return Dispatcher(
        vendor_name=setting(Environment.VENDOR),
        profiles=profiles,
        ledger=ledger(),
        waiters=TaskTokens(step_functions),
        pace=pace_of(profiles.vendor(setting(Environment.VENDOR))),
        step_functions=step_functions,
        machine_arn=setting(Environment.DISPATCH_MACHINE_ARN),
        admission_of=admission_of(in_flight_tables.in_flight_of, clock.sleep_us),
    )


@cache
def sqs() -> "SQSClient":
    """Return this worker's SQS client."""
    return aws.sqs()


@cache
def request_queues() -> RequestQueues:
    """Return the queues that this worker's requests come from."""
    return RequestQueues(sqs())


def dispatch_counted(body: str, origin: Origin, turns: Turns, admission: Admission, counts: Counter[Metric]) -> None:
    """Dispatch one message and count what became of it; one that has to wait long goes back to its queue."""
    try:
        dispatched = dispatcher().dispatch(body, origin, turns, admission)
    except Malformed as error:
        counts[Metric.REQUESTS_MALFORMED] += 1
        logger().warning("request malformed", reason=str(error))
        raise
    except RetryLater as error:
        request_queues().requeue(body, origin, error.retry_after_s)
        counts[Metric.CALLS_REQUEUED] += 1
        return
    except Exception as error:  # the batch processor returns the message to the queue, and says nothing
        logger().warning("dispatch failed", error_type=type(error).__name__, reason=str(error))
        raise
    counts[Metric.CALLS_DISPATCHED if dispatched else Metric.CALLS_DUPLICATE] += 1


def count_full(admission: Admission, counts: Counter[Metric]) -> None:
    """Count the calls of a batch that had to wait for an in-flight permit."""
    if admission.full_count:
        counts[Metric.IN_FLIGHT_FULL] += admission.full_count


def handle(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Dispatch a batch from the event source mapping; only the messages that failed come back."""
    counts: Counter[Metric] = Counter()
    records = event["Records"]  # all of one queue
    if not records:  # a worker is warmed; the batch processor takes that for an error
        dispatcher()
        return {"batchItemFailures": []}
    bodies = [record["body"] for record in records]
    urgent = Origin.of_record(SQSRecord(records[0])).urgent
    with (
        closing(dispatcher().admission(bodies)) as admission,
        closing(dispatcher().turns(len(bodies), urgent)) as turns,
    ):

        def dispatch_record(record: SQSRecord) -> None:
            dispatch_counted(record.body, Origin.of_record(record), turns, admission, counts)

        processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        response = process_partial_response(event, dispatch_record, processor, context)
    count_full(admission, counts)
    publish(setting(Environment.VENDOR), counts)
    return response
