"""Callback function (hop 10). In: a batch of callback messages. Out: resumed tasks; refused ones in the DLQ."""

import json
from collections import Counter
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import aws
from functions.callback.envelope import Envelope
from functions.callback.inbox import CallbackOutcome, Inbox
from functions.contract.profile import AppConfigProfiles
from functions.errors import Forged, Malformed, Refused
from functions.ledger.settlement import Settler
from functions.ledger.tables import ledger
from functions.limiter import seat_tables
from functions.names import Environment, Metric
from functions.observability import logger, publish
from functions.proxy import SECRET_MAX_AGE_S
from functions.settings import setting

METRICS: Final = {
    CallbackOutcome.RESUMED: Metric.CALLBACKS_RESUMED,
    CallbackOutcome.HEARTBEAT: Metric.CALLBACKS_HEARTBEAT,
    CallbackOutcome.EARLY: Metric.CALLBACKS_EARLY,
    CallbackOutcome.DUPLICATE: Metric.CALLBACKS_DUPLICATE,
    CallbackOutcome.LATE: Metric.CALLBACKS_LATE,
}
UNKNOWN_VENDOR: Final = "unknown"
"""The vendor of a message that did not come through the callback API."""
REFUSALS: Final = {Forged: Metric.CALLBACKS_FORGED, Malformed: Metric.CALLBACKS_MALFORMED}


def webhook_keys(vendor: str) -> list[str]:
    """Return a vendor's webhook keys, so that two may be valid during a rotation."""
    secrets: dict[str, str] = json.loads(setting(Environment.WEBHOOK_SECRETS))
    return keys_of(str(parameters.get_secret(secrets[vendor], max_age=SECRET_MAX_AGE_S)))


def keys_of(secret: str) -> list[str]:
    """Return the keys of a secret: a JSON list of texts, else what white space parts."""
    try:
        keys = json.loads(secret)
    except ValueError:
        return secret.split()
    return keys if isinstance(keys, list) and all(isinstance(key, str) for key in keys) else secret.split()


@cache
def inbox() -> Inbox:
    """Build this worker's inbox from its environment."""
    profiles = AppConfigProfiles(setting(Environment.CONFIG_APPLICATION))

    def leave(vendor_name: str, call_id: str) -> None:
        if profiles.vendor(vendor_name).jobs_in_flight is not None:  # other vendors' callbacks come here too
            seat_tables.leave(vendor_name, call_id)

    return Inbox(
        profiles=profiles,
        ledger=ledger(),
        settler=Settler(ledger(), aws.step_functions(), leave),
        keys_of=webhook_keys,
    )


def refuse(vendor: str, body: str, refusal: Refused) -> None:
    """Put a callback that will never be accepted where an operator can look at it, with the reason."""
    attributes = {"vendor": vendor, "outcome": type(refusal).__name__, "reason": str(refusal)}
    aws.sqs().send_message(
        QueueUrl=setting(Environment.CALLBACK_DLQ_URL),
        MessageBody=body or "(empty)",
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
        },
    )


def handle(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Receive a batch; only callbacks that could not be processed now come back to the queue."""
    counts: dict[str, Counter[Metric]] = {}

    def receive_record(record: SQSRecord) -> None:
        vendor = UNKNOWN_VENDOR
        try:
            envelope = Envelope.from_record(record.raw_event)
            vendor = envelope.vendor
            outcome = inbox().receive(envelope)
        except (Forged, Malformed) as refusal:
            refuse(vendor, record.body, refusal)
            counts.setdefault(vendor, Counter())[REFUSALS[type(refusal)]] += 1
            logger().warning("callback refused", vendor=vendor, refusal=type(refusal).__name__)
            return
        counts.setdefault(vendor, Counter())[METRICS[outcome]] += 1
        logger().info("callback received", vendor=vendor, outcome=outcome)

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    response = process_partial_response(event, receive_record, processor, context)
    for vendor, vendor_counts in counts.items():
        publish(vendor, vendor_counts)
    return response
