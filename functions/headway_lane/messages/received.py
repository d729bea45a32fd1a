"""A request message as it came out of its queue (hop 2), by an event source mapping or by a receive of our own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from headway_lane.messages.origin import GROUP_ATTRIBUTE, Origin

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

SENT_ATTRIBUTE: Final = "SentTimestamp"
ASKED_ATTRIBUTES: Final = (GROUP_ATTRIBUTE, SENT_ATTRIBUTE)
"""System attributes that a receive has to ask for."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message, where it came from, and when it was sent. `receipt` is empty where somebody else deletes it."""

    body: str
    origin: Origin
    sent_epoch_s: float
    receipt: str = ""

    @classmethod
    def of_record(cls, record: "SQSRecord", queue_urls: Sequence[str]) -> Self:
        """Read the record of an event source mapping."""
        return cls(record.body, Origin.of_record(record, queue_urls), int(record.attributes.sent_timestamp) / 1_000)

    @classmethod
    def of_message(cls, queue_url: str, message: Mapping[str, Any]) -> Self:
        """Read a message that was received from a queue with ASKED_ATTRIBUTES."""
        sent_epoch_s = int(message["Attributes"][SENT_ATTRIBUTE]) / 1_000
        return cls(message["Body"], Origin.of_message(queue_url, message), sent_epoch_s, message["ReceiptHandle"])

    @property
    def tenant(self) -> str:
        """Return for whom it is: its message group; empty for none."""
        return self.origin.group or ""
