"""A batch of callback messages (hop 10): each goes to the inbox, and what is refused is put aside with its reason."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from headway_lane.callback.inbox import CallbackOutcome, Inbox
from headway_lane.messages.envelope import (
    CALLBACK_OUTCOME_ATTRIBUTE,
    CALLBACK_REASON_ATTRIBUTE,
    CALLBACK_RECEIVED_ATTRIBUTE,
    CALLBACK_VENDOR_ATTRIBUTE,
    Envelope,
    received_epoch_s_of,
)
from headway_lane.runtime.errors import Forged, Malformed, NewerFormat, Refused
from headway_lane.runtime.formats import note
from headway_lane.runtime.names import Metric
from headway_lane.runtime.observability import logger

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageAttributeValueTypeDef

METRICS: Final = {
    CallbackOutcome.RESUMED: Metric.CALLBACKS_RESUMED,
    CallbackOutcome.HEARTBEAT: Metric.CALLBACKS_HEARTBEAT,
    CallbackOutcome.EARLY: Metric.CALLBACKS_EARLY,
    CallbackOutcome.DUPLICATE: Metric.CALLBACKS_DUPLICATE,
    CallbackOutcome.LATE: Metric.CALLBACKS_LATE,
    CallbackOutcome.IGNORED: Metric.CALLBACKS_IGNORED,
    CallbackOutcome.CONFIRMED: Metric.CALLBACKS_CONFIRMED,
}
REFUSALS: Final[Mapping[type[Refused], Metric]] = {
    Forged: Metric.CALLBACKS_FORGED,
    Malformed: Metric.CALLBACKS_MALFORMED,
}
UNKNOWN_VENDOR: Final = "unknown"
"""The vendor of a message that did not come through the callback API."""
MESSAGE_BYTES: Final = 1_048_576
"""The largest message, with its attributes: their names, types and values (SQS quotas)."""
BODY_CUT: Final = "; the body is cut"
"""Added to the reason."""


class CallbackBatch:
    """Takes the messages of one batch; `counts` says by vendor what became of them. `put_aside` keeps what is refused,
    for an operator to look at and to replay; `requeue` what is for newer code.
    """

    def __init__(
        self,
        inbox: Inbox,
        put_aside: Callable[[SQSRecord, str, Refused], None],
        requeue: Callable[[SQSRecord, NewerFormat], None],
    ) -> None:
        self._inbox = inbox
        self._put_aside = put_aside
        self._requeue = requeue
        self.counts: dict[str, Counter[Metric]] = {}

    def receive(self, record: SQSRecord) -> None:
        """Receive one callback; a refused one is put aside. Raises where it could not be processed now."""
        vendor = UNKNOWN_VENDOR
        try:
            envelope = Envelope.from_record(record.raw_event)
            vendor = envelope.vendor
            receipt = self._inbox.receive(envelope)
        except (Forged, Malformed) as refusal:
            self._refuse(record, vendor, refusal)
            return
        except NewerFormat as newer:  # not by its receive count, which would make it a dead letter in the end
            self._requeue(record, newer)
            note(self._counts_of(vendor), newer)
            return
        except Exception as error:  # the batch processor returns the message to the queue, and says nothing
            self._counts_of(vendor)[Metric.CALLBACKS_UNREADY] += 1
            logger().warning("callback not ready", vendor=vendor, error_type=type(error).__name__)
            raise
        self._counts_of(vendor).update(METRICS[outcome] for outcome in receipt.outcomes)
        logger().info("callback received", vendor=vendor, outcomes=receipt.outcomes, job_ids=receipt.job_ids)
        if receipt.complaint:
            self._refuse(record, vendor, receipt.complaint)

    def _refuse(self, record: SQSRecord, vendor: str, refusal: Refused) -> None:
        self._put_aside(record, vendor, refusal)
        self._counts_of(vendor)[REFUSALS[type(refusal)]] += 1
        logger().warning("callback refused", vendor=vendor, refusal=type(refusal).__name__)

    def _counts_of(self, vendor: str) -> Counter[Metric]:
        return self.counts.setdefault(vendor, Counter())


def put_aside(sqs: "SQSClient", dlq_url: str, record: SQSRecord, vendor: str, refusal: Refused) -> None:
    """Send a refused callback to the DLQ, with the reason and all that came."""
    attributes = _attributes(record) | {
        CALLBACK_VENDOR_ATTRIBUTE: vendor,
        CALLBACK_OUTCOME_ATTRIBUTE: type(refusal).__name__,
        CALLBACK_REASON_ATTRIBUTE: str(refusal),
    }
    body, room_bytes = record.body.encode(), MESSAGE_BYTES - _size_bytes(attributes)
    if len(body) > room_bytes:
        attributes[CALLBACK_REASON_ATTRIBUTE] += BODY_CUT
        body = body[: max(0, room_bytes - len(BODY_CUT))]
    sqs.send_message(
        QueueUrl=dlq_url,
        MessageBody=body.decode(errors="ignore") or "(empty)",  # nothing but half a character at a cut is ignored
        MessageAttributes=_written(attributes),
    )


def requeue(sqs: "SQSClient", queue_url: str, record: SQSRecord, newer: NewerFormat) -> None:
    """Send a callback that is for newer code to the end of its queue, as it came and when it came."""
    sqs.send_message(
        QueueUrl=queue_url,
        MessageBody=record.body,
        DelaySeconds=math.ceil(newer.retry_after_s or 0),
        MessageAttributes=_written(_attributes(record)),
    )


def _attributes(record: SQSRecord) -> dict[str, str]:
    """Return what came beside the body, and when it came: the age of a signature stays the same."""
    came = record.raw_event.get("messageAttributes", {})
    received = {CALLBACK_RECEIVED_ATTRIBUTE: str(received_epoch_s_of(record.raw_event))}
    return {name: text for name, attribute in came.items() if (text := attribute.get("stringValue"))} | received


def _size_bytes(attributes: Mapping[str, str]) -> int:
    """Count attributes as SQS does."""
    return sum(len(f"{name}String{value}".encode(errors="surrogatepass")) for name, value in attributes.items())


def _written(attributes: Mapping[str, str]) -> dict[str, "MessageAttributeValueTypeDef"]:
    """Write attributes for SQS, which takes no empty ones."""
    return {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value}
