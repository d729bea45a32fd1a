"""Rejecting a call (hop 6, the bad end). In: a call that failed for good. Out: DLQ message, and its waiter is told."""

from typing import TYPE_CHECKING, Any

from headway_lane.ledger.record import CallState
from headway_lane.ledger.store import Ledger
from headway_lane.messages import json_text
from headway_lane.resume.settlement import Settler
from headway_lane.runtime.errors import ErrorCode

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


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
        call_id, attempt = call["call_id"], call["attempt"]
        record = self._ledger.reject(call_id, attempt, error, cause) or self._ledger.find(call_id)
        if record and record.state is CallState.ACCEPTED and error == ErrorCode.VENDOR_ANSWER_UNREADABLE:
            record = self._ledger.abandon(record, error, cause)  # the job that it was accepted with is another tenant's
        if record is None or record.state is not CallState.REJECTED or record.attempt != attempt:
            return False
        self._sqs.send_message(
            QueueUrl=self._dlq_url, MessageBody=json_text.write({"call": call, "error": error, "cause": cause})
        )
        self._settler.fail(record, error, cause)
        if not record.may_be_at_the_vendor(error):
            self._settler.release(record)
        return True
