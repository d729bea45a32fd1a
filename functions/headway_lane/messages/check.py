"""A check (beside hop 10): to be made of a job that the vendor has, in case its callback never comes."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

from headway_lane.contract.exchange import Poll
from headway_lane.contract.vendor import Vendor
from headway_lane.messages import json_text
from headway_lane.messages.request_queue import LONGEST_REQUEUE_S
from headway_lane.runtime.errors import Malformed, NewerFormat
from headway_lane.runtime.formats import FORMAT_VERSION, Format

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


CHECK: Final = Format("the check", version=1)


@dataclass(frozen=True, slots=True)
class Check:
    """Ask about a job at `due_epoch_s`, and give it up at `until_epoch_s`."""

    call_id: str
    job_id: str
    due_epoch_s: int
    until_epoch_s: int

    @classmethod
    def first(cls, vendor: Vendor, poll: Poll, call_id: str, job_id: str, accepted_epoch_s: int) -> Self:
        """Make the first check of a job that has just been accepted."""
        until_epoch_s = accepted_epoch_s + vendor.waits.answer_s
        return cls(call_id, job_id, min(accepted_epoch_s + poll.after_s, until_epoch_s), until_epoch_s)

    @classmethod
    def from_body(cls, body: str) -> Self:
        """Read a message; NewerFormat, or Malformed where we cannot have written it."""
        try:
            words: Any = json.loads(body)
            written = dict(words)
            CHECK.check(written)
            written.pop(FORMAT_VERSION, None)
            return cls(**written)
        except (ValueError, TypeError) as error:
            raise Malformed("the message is not a check") from error

    def to_body(self) -> str:
        """Write the message that `from_body` reads."""
        return json_text.write({**CHECK.stamp, **asdict(self)})

    def again(self, at_epoch_s: int) -> Self:
        """Return the next check, not after the last."""
        return replace(self, due_epoch_s=min(at_epoch_s, self.until_epoch_s))


class Checks:
    """The queue in which the checks of one vendor wait."""

    def __init__(self, sqs: "SQSClient", queue_url: str, epoch_s: Callable[[], float]) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._epoch_s = epoch_s

    def put(self, check: Check) -> None:
        """Let a check wait until it is due, or for as long as SQS lets a message wait."""
        ahead_s = max(0, math.ceil(check.due_epoch_s - self._epoch_s()))
        self._send(check.to_body(), ahead_s)

    def requeue(self, body: str, newer: NewerFormat) -> None:
        """Let a check that newer code has to make wait for that code, as it came."""
        self._send(body, math.ceil(newer.retry_after_s or 0))

    def _send(self, body: str, delay_s: int) -> None:
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=body, DelaySeconds=min(delay_s, LONGEST_REQUEUE_S))
