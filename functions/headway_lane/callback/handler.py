"""Callback function (hop 10). In: a batch of callback messages. Out: resumed tasks; refused ones in the DLQ."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane.callback.inbox import CallbackOutcome, Inbox
from headway_lane.contract.profile import AppConfigProfiles
from headway_lane.ledger.tables import ledger
from headway_lane.limiter import in_flight_tables
from headway_lane.messages.bucket import claims
from headway_lane.messages.envelope import (
    CALLBACK_OUTCOME_ATTRIBUTE,
    CALLBACK_REASON_ATTRIBUTE,
    CALLBACK_RECEIVED_ATTRIBUTE,
    CALLBACK_VENDOR_ATTRIBUTE,
    Envelope,
    received_epoch_s_of,
)
from headway_lane.resume.settlement import Settler
from headway_lane.resume.task_token import TaskTokens
from headway_lane.runtime import aws
from headway_lane.runtime.errors import Forged, Malformed, Refused
from headway_lane.runtime.names import Environment, Metric
from headway_lane.runtime.observability import logger, publish
from headway_lane.runtime.settings import setting
from headway_lane.verification.keys import webhook_keys

METRICS: Final = {
    CallbackOutcome.RESUMED: Metric.CALLBACKS_RESUMED,
    CallbackOutcome.HEARTBEAT: Metric.CALLBACKS_HEARTBEAT,
    CallbackOutcome.EARLY: Metric.CALLBACKS_EARLY,
    CallbackOutcome.DUPLICATE: Metric.CALLBACKS_DUPLICATE,
    CallbackOutcome.LATE: Metric.CALLBACKS_LATE,
    CallbackOutcome.IGNORED: Metric.CALLBACKS_IGNORED,
    CallbackOutcome.CONFIRMED: Metric.CALLBACKS_CONFIRMED,
}
UNKNOWN_VENDOR: Final = "unknown"
"""The vendor of a message that did not come through the callback API."""
DEAD_LETTER_BYTES: Final = 1_048_576 - 16_384
"""How much of a body a dead letter takes: what a queue does (SQS quotas), less room for the attributes."""
REFUSALS: Final[Mapping[type[Refused], Metric]] = {
    Forged: Metric.CALLBACKS_FORGED,
    Malformed: Metric.CALLBACKS_MALFORMED,
}


@cache
def inbox() -> Inbox:
    """Build this worker's inbox from its environment."""
    profiles = AppConfigProfiles(setting(Environment.CONFIG_APPLICATION))

    def release(vendor_name: str, call_id: str) -> None:
        if profiles.vendor(vendor_name).jobs_in_flight is not None:  # other vendors' callbacks come here too
            in_flight_tables.release(vendor_name, call_id)

    return Inbox(
        profiles=profiles,
        ledger=ledger(),
        settler=Settler(ledger(), TaskTokens(aws.step_functions()), release),
        claims=claims(),
        keys_of=webhook_keys,
        url=setting(Environment.CALLBACK_URL),
    )


def refuse(record: SQSRecord, vendor: str, refusal: Refused) -> None:
    """Put a callback aside with the reason, and with all that came: an operator can look at it, and replay it."""
    came = record.raw_event.get("messageAttributes", {})
    attributes = {name: attribute["stringValue"] for name, attribute in came.items()} | {
        CALLBACK_VENDOR_ATTRIBUTE: vendor,
        CALLBACK_RECEIVED_ATTRIBUTE: str(received_epoch_s_of(record.raw_event)),
        CALLBACK_OUTCOME_ATTRIBUTE: type(refusal).__name__,
        CALLBACK_REASON_ATTRIBUTE: f"{refusal}; the body is cut"
        if len(record.body) > DEAD_LETTER_BYTES
        else str(refusal),
    }
    aws.sqs().send_message(
        QueueUrl=setting(Environment.CALLBACK_DLQ_URL),
        MessageBody=record.body[:DEAD_LETTER_BYTES] or "(empty)",
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
        },
    )


def handle(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Receive a batch; only callbacks that could not be processed now come back to the queue."""
    if not event["Records"]:  # a worker is warmed; the batch processor takes that for an error
        return {"batchItemFailures": []}
    counts: dict[str, Counter[Metric]] = {}

    def receive_record(record: SQSRecord) -> None:
        vendor = UNKNOWN_VENDOR
        try:
            envelope = Envelope.from_record(record.raw_event)
            vendor = envelope.vendor
            receipt = inbox().receive(envelope)
        except (Forged, Malformed) as refusal:
            put_aside(record, vendor, refusal)
            return
        counts.setdefault(vendor, Counter()).update(METRICS[outcome] for outcome in receipt.outcomes)
        logger().info("callback received", vendor=vendor, outcomes=receipt.outcomes)
        if receipt.complaint:
            put_aside(record, vendor, receipt.complaint)

    def put_aside(record: SQSRecord, vendor: str, refusal: Refused) -> None:
        refuse(record, vendor, refusal)
        counts.setdefault(vendor, Counter())[REFUSALS[type(refusal)]] += 1
        logger().warning("callback refused", vendor=vendor, refusal=type(refusal).__name__)

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    response = process_partial_response(event, receive_record, processor, context)
    for vendor, vendor_counts in counts.items():
        publish(vendor, vendor_counts)
    return response
