"""Calling off what a stopped execution has left at the vendor (beside hop 10).

A stop is seen a moment late: a call may be on its way to the vendor, a new one not yet in the index, the parent's child
still alive. So the calls are searched several times, and each search asks for all jobs that the vendor may have. A job
is called off only where nobody waits for it: a dead task is the proof, so that neither a redrive nor a second call of
the same job loses its answer. Order of effects: the task is asked, the ledger notes that the vendor is about to be
told, the vendor is told, then the ledger's last word, then the in-flight permit; every step may be repeated. A refusal
behind an attempt whose end nobody knows says that that one was taken.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

from headway_lane.contract.timing import EXPRESS_TIMEOUT_S, MARGIN_S
from headway_lane.ledger.record import Call, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.messages.cancel import Cancellation, Stop
from headway_lane.messages.results_queue import ResultsQueue
from headway_lane.results.pauses import pause_s
from headway_lane.resume.settlement import Settler
from headway_lane.runtime.errors import InDoubt, RetryLater

SEARCHES_S: Final = (0, MARGIN_S, EXPRESS_TIMEOUT_S + MARGIN_S)
"""When the calls of a stopped execution are searched, in seconds after the stop: at once, when the index and a child
have followed, and when whoever was sending has ended for sure.
"""
AT_THE_VENDOR: Final = (CallState.SENDING, CallState.ACCEPTED)
"""States in which the vendor may have the job."""


class StopOutcome(StrEnum):
    """What a search came to."""

    PENDING = "pending"
    """Jobs are to be called off."""
    OVER = "over"


class CancelOutcome(StrEnum):
    """What became of a cancel."""

    CANCELLED = "cancelled"
    REFUSED = "refused"
    """The vendor does not call the job off: it has ended, as a rule."""
    REQUEUED = "requeued"
    OVER = "over"
    """There is nothing to call off, not yet, or somebody waits for it."""


class Canceller:
    """Calls jobs off; `call_off` is the way to the vendor, `calls_of` that to the index (execution and call ID, see
    `ledger.executions`), `spread` draws from 0 to 1. A job may take `answer_s`, and whoever tells the vendor `lease_s`.
    """

    def __init__(
        self,
        ledger: Ledger,
        settler: Settler,
        queue: ResultsQueue,
        *,
        calls_of: Callable[[str, str], tuple[Sequence[str], str]],
        call_off: Callable[[str], bool],
        answer_s: int,
        lease_s: int,
        spread: Callable[[], float],
        epoch_s: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._settler = settler
        self._queue = queue
        self._calls_of = calls_of
        self._call_off = call_off
        self._answer_s = answer_s
        self._lease_s = lease_s
        self._spread = spread
        self._epoch_s = epoch_s

    def search(self, stop: Stop) -> StopOutcome:
        """Ask for a cancel of each call that the vendor may have, a page at one time; safe to repeat."""
        call_ids, after = self._calls_of(stop.execution, stop.after)
        until_epoch_s = int(self._epoch_s()) + self._answer_s
        outcome = StopOutcome.OVER
        for call_id in call_ids:
            call = self._ledger.find(call_id)
            if call is not None and call.state in AT_THE_VENDOR:
                self._queue.cancel(Cancellation(call_id, call.attempt, until_epoch_s))
                outcome = StopOutcome.PENDING
        if after:
            self._queue.stop(Stop(stop.execution, stop.search, after))
        following = stop.search + 1
        known = call_ids or not stop.search  # at the first search the index may lag behind
        if known and not stop.after and following < len(SEARCHES_S):
            self._queue.stop(Stop(stop.execution, following), SEARCHES_S[following] - SEARCHES_S[stop.search])
        return outcome

    def cancel(self, cancel: Cancellation) -> CancelOutcome:
        """Call one job off; safe to repeat."""
        call = self._ledger.find(cancel.call_id)
        if call is None or call.attempt != cancel.attempt:
            return CancelOutcome.OVER
        if call.state is CallState.CANCELLED:  # whoever wrote that may have broken off
            self._settler.release(call)
        if call.state is not CallState.ACCEPTED or call.job_id is None or self._wanted(call):
            return CancelOutcome.OVER
        left_s = call.cancelling_until_epoch_s - self._epoch_s()
        if left_s > 0:
            return self._wait(cancel, RetryLater("somebody else is telling the vendor", left_s))
        begun = self._ledger.begin_cancel(call, self._lease_s)
        if begun is None:
            return CancelOutcome.OVER
        return self._tell(cancel, begun, call.job_id, told_before=bool(call.cancelling_until_epoch_s))

    def _tell(self, cancel: Cancellation, begun: Call, job_id: str, *, told_before: bool) -> CancelOutcome:
        """Tell the vendor. `told_before` says that it may have been told, and have called the job off."""
        try:
            called_off = self._call_off(job_id)
        except InDoubt as doubt:
            return self._wait(cancel, RetryLater(str(doubt), max(doubt.retry_after_s or 0, self._lease_s)))
        except RetryLater as later:
            if not told_before:  # else it is not known whether the one before was taken
                self._ledger.leave_cancel(begun)
            return self._wait(cancel, later)
        if not called_off and not told_before:  # else it is refused because the one before has been taken
            self._ledger.leave_cancel(begun)
            return CancelOutcome.REFUSED
        if self._ledger.cancel(begun) is None:
            return CancelOutcome.OVER
        self._settler.release(begun)
        return CancelOutcome.CANCELLED

    def _wanted(self, call: Call) -> bool:
        """Return whether anybody waits for the job of a call."""
        others = set(self._ledger.calls_of_job(call.vendor, str(call.job_id))) - {call.call_id}
        return bool(others) or self._settler.beat(call)

    def _wait(self, cancel: Cancellation, later: RetryLater) -> CancelOutcome:
        if self._epoch_s() >= cancel.until_epoch_s:
            return CancelOutcome.OVER
        self._queue.cancel(cancel.again(), pause_s(later, cancel.requeued_count, self._spread()))
        return CancelOutcome.REQUEUED
