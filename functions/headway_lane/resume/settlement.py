"""Settling a call: the one place that answers its waiter, used by whoever wrote the second half.

Order of effects: the ledger first, then the in-flight permit of the job (where jobs in flight are limited), for which
the next call waits; the waiter third, and the ledger's last word last; every step may be repeated. Trouble with the
in-flight permit does not keep the answer from its waiter: it is raised behind that, and brings the callback again,
which finds everything settled and gives the in-flight permit back. Nobody takes one for a call that the ledger says has
its answer, so none is lost to a second delivery of the request.
"""

from collections.abc import Callable
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from headway_lane.ledger.record import Answer, Call, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.resume.waiters import Waiters
from headway_lane.runtime.errors import ErrorCode
from headway_lane.runtime.observability import logger

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
    """Settles calls in a ledger, and tells their waiters; `release` gives back the in-flight permit of a call."""

    def __init__(self, ledger: Ledger, waiters: Waiters, release: Release = _nothing_held) -> None:
        self._ledger = ledger
        self._waiters = waiters
        self._release = release

    def settle(self, call_id: str, answer: Answer) -> Settlement:
        """Free the job's in-flight permit, and hand the vendor's answer to the waiter, success or failure, exactly
        once.
        """
        call = self._ledger.answer(call_id, answer.job_id) or self._ledger.find(call_id)
        if call is None or call.job_id != answer.job_id:  # of an earlier round
            return Settlement.DUPLICATE
        try:
            self.release(call)
        finally:
            settlement = self._settle(call, answer)
        return settlement

    def fail(self, call: Call, code: str, cause: str) -> bool:
        """Tell the waiter that its call has failed. False where nobody waits any more."""
        return self._waiters.fail(call.waiter, code, cause)

    def beat(self, call: Call) -> bool:
        """Tell the waiter that its call is alive. False where nobody waits any more."""
        return self._waiters.beat(call.waiter)

    def awaited(self, call: Call) -> bool:
        """Tell the waiter that its call is alive, and return whether anybody waits. Where that cannot be found out,
        somebody does: a call too many harms less than one that is lost.
        """
        try:
            return self.beat(call)
        except (BotoCoreError, ClientError) as error:
            logger().warning("waiter not asked", call_id=call.call_id, error_type=type(error).__name__)
            return True

    def release(self, call: Call) -> None:
        """Give back the in-flight permit of a call that is not at the vendor, or not any more; may be repeated."""
        self._release(call.vendor, call.call_id)

    def _settle(self, call: Call, answer: Answer) -> Settlement:
        if call.state in (CallState.RESUMED, CallState.LATE):
            return Settlement.DUPLICATE
        if call.state is not CallState.ANSWERED or not self._tell(call, answer):
            self._ledger.lapse(call, None if answer.succeeded else ErrorCode.VENDOR_JOB_FAILED)
            return Settlement.LATE
        self._ledger.resume(call)
        return Settlement.RESUMED

    def _tell(self, call: Call, answer: Answer) -> bool:
        if not answer.succeeded:
            cause = f"{call.vendor} ended job {answer.job_id} with status {answer.status}"
            return self.fail(call, ErrorCode.VENDOR_JOB_FAILED, cause)
        output = {"call_id": call.call_id, "job_id": answer.job_id, "status": answer.status}
        return self._waiters.succeed(call.waiter, output)
