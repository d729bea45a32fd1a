"""Reconciling (beside hop 10): a job whose callback is overdue is asked about, and its waiting task settled either way.

Races with the callback are safe: both go through the ledger and the settler, where the first word counts. Order of a
giving-up: the task first, then the ledger, then the in-flight permit, so that every step may be repeated.
"""

from collections.abc import Callable
from enum import StrEnum

from headway_lane.contract.exchange import Poll
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import OVER, Answer, Call
from headway_lane.ledger.store import Ledger
from headway_lane.messages.check import Check
from headway_lane.messages.results_queue import ResultsQueue
from headway_lane.resume.settlement import Settlement, Settler
from headway_lane.runtime.errors import ErrorCode, RetryLater
from headway_lane.vendor_api.job_status import JobFinding, Standing


class CheckOutcome(StrEnum):
    """What became of a check."""

    OVER = "over"
    """Nobody waits for the job any more: the callback came, as a rule."""
    WAITING = "waiting"
    """Not due yet: further away than a queue lets a message wait."""
    PENDING = "pending"
    SETTLED = "settled"
    LOST = "lost"


class Reconciler:
    """Checks the jobs of one vendor; `ask` is the way to the vendor, RetryLater where it gives no answer now."""

    def __init__(
        self,
        vendor: Vendor,
        poll: Poll,
        ledger: Ledger,
        settler: Settler,
        queue: ResultsQueue,
        *,
        ask: Callable[[str], JobFinding],
        epoch_s: Callable[[], float],
    ) -> None:
        self._vendor = vendor
        self._poll = poll
        self._ledger = ledger
        self._settler = settler
        self._queue = queue
        self._ask = ask
        self._epoch_s = epoch_s

    def reconcile(self, check: Check) -> CheckOutcome:
        """Make a check; safe to repeat."""
        call = self._ledger.find(check.call_id)
        # What was called off may have ended before that: the vendor's word on it counts.
        if call is None or call.state in OVER or call.job_id != check.job_id:  # that of an earlier round
            return CheckOutcome.OVER
        known = self._ledger.answer_of_job(self._vendor.name, check.job_id)
        if known is not None:  # whoever stored it broke off before the task was settled
            return self._settle(call, known)
        now_s = int(self._epoch_s())
        if now_s < check.due_epoch_s:
            self._queue.check(check)
            return CheckOutcome.WAITING
        try:
            finding = self._ask(check.job_id)
        except RetryLater as later:
            return self._wait(call, check, now_s, f"gave no answer: {later}")
        return self._act(call, check, now_s, finding)

    def _act(self, call: Call, check: Check, now_s: int, finding: JobFinding) -> CheckOutcome:
        name = self._vendor.name
        if finding.standing is Standing.UNKNOWN:
            cause = f"{name} does not know job {check.job_id}: HTTP {finding.status}"
            return self._give_up(call, ErrorCode.VENDOR_JOB_UNKNOWN, cause, at_the_vendor=False)
        if finding.standing is Standing.PENDING:
            self._settler.awaited(call)
            return self._wait(call, check, now_s, f"says {finding.status}")
        succeeded = finding.standing is Standing.SUCCEEDED
        answer = Answer(check.job_id, succeeded, finding.status, body="")
        # Where the callback was a moment earlier, its word counts.
        return self._settle(call, self._ledger.join_answer(name, answer).answer)

    def _settle(self, call: Call, answer: Answer) -> CheckOutcome:
        settlement = self._settler.settle(call.call_id, answer)
        return CheckOutcome.SETTLED if settlement is Settlement.RESUMED else CheckOutcome.OVER

    def _wait(self, call: Call, check: Check, now_s: int, said: str) -> CheckOutcome:
        """Check again, until the contract's patience is over."""
        if now_s >= check.until_epoch_s:
            name, patience_s = self._vendor.name, self._vendor.waits.answer_s
            cause = f"{name} did not end job {check.job_id} within {patience_s} s: it {said}"
            return self._give_up(call, ErrorCode.VENDOR_JOB_OVERDUE, cause, at_the_vendor=True)
        self._queue.check(check.again(now_s + self._poll.every_s))
        return CheckOutcome.PENDING

    def _give_up(self, call: Call, code: ErrorCode, cause: str, *, at_the_vendor: bool) -> CheckOutcome:
        """Fail the task. A job that the vendor may still work on keeps its in-flight permit until that expires."""
        self._settler.fail(call, code, cause)
        self._ledger.abandon(call, code, cause)
        if not at_the_vendor:
            self._settler.release(call)
        return CheckOutcome.LOST
