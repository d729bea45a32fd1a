"""Requeueing a request where it came from (hop 2), to come again later: for the dispatcher and for the caller.

A new message instead of a longer visibility timeout: a wait must not cost the request one of its receives.
"""

import math
from typing import TYPE_CHECKING, Final

from headway_lane.contract.timing import LONGEST_REQUEUE_S
from headway_lane.messages.origin import Origin

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

REQUEUE_S: Final = 2
"""Delay of a request where nobody knows how long to wait: its reservation failed for contention, or the vendor was
busy.
"""


class RequestQueues:
    """One vendor's request queues, urgent or not, from the side of who cannot make a call yet."""

    def __init__(self, sqs: "SQSClient") -> None:
        self._sqs = sqs

    def requeue(self, body: str, origin: Origin, retry_after_s: float | None) -> None:
        """Send a request to the end of its queue, to come again after `retry_after_s`, rounded up to whole seconds."""
        delay_s = REQUEUE_S if retry_after_s is None else min(math.ceil(retry_after_s), LONGEST_REQUEUE_S)
        self._sqs.send_message(
            QueueUrl=origin.queue_url, MessageBody=body, DelaySeconds=delay_s, **origin.group_argument
        )
