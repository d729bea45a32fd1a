"""Rejecting a call (hop 6, the bad end). In: a call that failed for good. Out: DLQ message, and its waiter is told."""

from typing import TYPE_CHECKING, Any, Final

from headway_lane.ledger.record import CallState
from headway_lane.ledger.store import Ledger
from headway_lane.messages import json_text
from headway_lane.resume.settlement import Settler
from headway_lane.runtime.errors import ErrorCode

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


NOT_AT_THE_VENDOR: Final = frozenset(
    {ErrorCode.VENDOR_REJECTED, ErrorCode.VENDOR_THROTTLED, ErrorCode.REQUEST_MALFORMED}
)
"""Errors after which no job is in flight. After all others the vendor may work on one that nobody will hear of: its
in-flight permit stays taken until it expires, because a limit that was sold is worth more than an in-flight permit.
"""


class Rejecter:
    """Puts rejected calls aside, tells their waiters, and frees the in-flight permits of those that the vendor does
    not have.
    """

    def __init__(self, ledger: Ledger, settler: Settler, sqs: "SQSClient", dlq_url: str) -> None:
        self._ledger = ledger
        self._settler = settler
        self._sqs = sqs
        self._dlq_url = dlq_url

    def reject(self, call: dict[str, Any], error: str, cause: str) -> bool:
        """Ledger, then DLQ, then waiter, then in-flight permit; repeatable. False where the call was not rejected: the
        vendor has it after all, or it is over already.
        """
        record = self._ledger.reject(call["call_id"], error, cause) or self._ledger.find(call["call_id"])
        if record is None or record.state is not CallState.REJECTED:
            return False
        self._sqs.send_message(
            QueueUrl=self._dlq_url, MessageBody=json_text.write({"call": call, "error": error, "cause": cause})
        )
        self._settler.fail(record, error, cause)
        if error in NOT_AT_THE_VENDOR:
            self._settler.release(record)
        return True
