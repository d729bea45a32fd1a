"""Settling a waiting task: the one place that resumes, fails or beats it, used by whoever wrote the second half.

Order of effects: the ledger first, Step Functions second, the ledger's last word third, and the in-flight permit of the
job (where jobs in flight are limited) last; every step may be repeated. The in-flight permit is last because nobody
waits for it: trouble with in-flight permits must not keep an answer from its task. A crash before it brings the
callback again, which finds everything settled and gives the in-flight permit back; giving back before would let a
second delivery of the request take an in-flight permit that nobody returns.
"""

import json
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from headway_lane.ledger.record import Answer, Call, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.runtime.errors import ErrorCode

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

DEAD_TASK_CODES: Final = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
"""One class of answers of SendTask*: nobody waits on this token any more. Never retried."""

CAUSE_LENGTH: Final = 32_768
"""Characters of a cause that Step Functions takes (SendTaskFailure, API reference)."""


Release = Callable[[str, str], None]
"""Gives back the in-flight permit of a vendor's call, by name and call ID."""


def _nothing_held(vendor_name: str, call_id: str) -> None:
    """Serve those who never settle with an answer, and vendors without a limit on jobs in flight."""


class Settlement(StrEnum):
    """What became of an attempt to settle."""

    RESUMED = "resumed"
    DUPLICATE = "duplicate"
    LATE = "late"


class Settler:
    """Settles waiting tasks through a ledger and a Step Functions client; `release` gives back what an answer frees."""

    def __init__(self, ledger: Ledger, step_functions: "SFNClient", release: Release = _nothing_held) -> None:
        self._ledger = ledger
        self._step_functions = step_functions
        self._release = release

    def settle(self, call_id: str, answer: Answer) -> Settlement:
        """Hand the vendor's answer to the waiting task, success or failure, exactly once; then free the job's in-flight
        permit.
        """
        call = self._ledger.answer(call_id) or self._ledger.find(call_id)
        if call is None:
            return Settlement.DUPLICATE
        settlement = self._settle(call, answer)
        self.release(call)
        return settlement

    def release(self, call: Call) -> None:
        """Give back the in-flight permit of a call that is not at the vendor, or not any more; may be repeated."""
        self._release(call.vendor, call.call_id)

    def _settle(self, call: Call, answer: Answer) -> Settlement:
        call_id = call.call_id
        if call.state in (CallState.RESUMED, CallState.LATE):
            return Settlement.DUPLICATE
        if call.state is not CallState.ANSWERED or not self._send_answer(call, answer):
            self._ledger.lapse(call_id)
            return Settlement.LATE
        self._ledger.resume(call_id)
        return Settlement.RESUMED

    def fail(self, task_token: str, code: str, cause: str) -> bool:
        """Fail a waiting task. False where nobody waits any more."""
        try:
            self._step_functions.send_task_failure(taskToken=task_token, error=code, cause=cause[:CAUSE_LENGTH])
        except ClientError as error:
            return _dead(error)
        return True

    def beat(self, task_token: str) -> bool:
        """Restart the heartbeat clock of a waiting task. False where nobody waits any more."""
        try:
            self._step_functions.send_task_heartbeat(taskToken=task_token)
        except ClientError as error:
            return _dead(error)
        return True

    def _send_answer(self, call: Call, answer: Answer) -> bool:
        if not answer.succeeded:
            cause = f"{call.vendor} ended job {answer.job_id} with status {answer.status}"
            return self.fail(call.task_token, ErrorCode.VENDOR_JOB_FAILED, cause)
        output = {"call_id": call.call_id, "job_id": answer.job_id, "status": answer.status}
        try:
            self._step_functions.send_task_success(taskToken=call.task_token, output=json.dumps(output))
        except ClientError as error:
            return _dead(error)
        return True


def _dead(error: ClientError) -> bool:
    """Return False for a dead token; raise everything else."""
    if error.response["Error"]["Code"] not in DEAD_TASK_CODES:
        raise error
    return False
