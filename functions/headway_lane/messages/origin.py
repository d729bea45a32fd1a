"""Where a request came from (hop 2): its queue, urgent or not, and its message group there.

Requeued, it goes to the same place: what was urgent stays urgent, and a tenant stays one tenant to SQS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

GROUP_ATTRIBUTE: Final = "MessageGroupId"
"""The system attribute of SQS by which a fair queue tells tenants apart; a receive has to ask for it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A request's queue and message group; None for a message that was sent without a group."""

    queue_url: str
    group: str | None

    @classmethod
    def of_record(cls, record: "SQSRecord", queue_urls: Sequence[str]) -> Self:
        """Read the record of an event source mapping, which names by ARN the one of the vendor's queues it is from."""
        name = record.event_source_arn.rpartition(":")[2]
        [queue_url] = (url for url in queue_urls if url.rpartition("/")[2] == name)
        return cls(queue_url, record.attributes.get(GROUP_ATTRIBUTE))

    @classmethod
    def of_message(cls, queue_url: str, message: Mapping[str, Any]) -> Self:
        """Read a message that was received from a queue."""
        return cls(queue_url, message.get("Attributes", {}).get(GROUP_ATTRIBUTE))

    def is_urgent(self, queue_urls: Sequence[str]) -> bool:
        """Return whether it is the urgent one of two queues, which is the first."""
        first_url, *others = queue_urls
        return bool(others) and self.queue_url == first_url

    @property
    def group_argument(self) -> Mapping[str, Any]:
        """Return the argument with which SendMessage keeps the group; none for none."""
        return {GROUP_ATTRIBUTE: self.group} if self.group else {}
