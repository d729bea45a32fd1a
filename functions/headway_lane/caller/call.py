"""One call under the ledger's eye (hops 6 and 7): begin, submit, accept, and join an answer that came first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from headway_lane.caller.invocation import CallInput, CallOutcome, CallReport
from headway_lane.contract.exchange import Ambiguity
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import Call, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.limiter.turn import Turns
from headway_lane.messages.check import Check
from headway_lane.messages.claim import Claims, requests_folder
from headway_lane.messages.request import CallRequest
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.messages.results_queue import ResultsQueue
from headway_lane.resume.settlement import Settler
from headway_lane.runtime.errors import ErrorCode, FailTask, InDoubt, Malformed, NewerFormat, RetryLater
from headway_lane.vendor_api.lookup import job_of_key
from headway_lane.vendor_api.proxy import Proxy
from headway_lane.vendor_api.submission import submission_of
from headway_lane.vendor_api.submit import submit


@dataclass(frozen=True, slots=True)
class WayOut:
    """The way to one vendor, and where it shall call back. `turns` are those of submits, `poll_turns` those of lookups;
    `callback_url` is empty for a vendor that is not told it with a submit, `callback_key` None for one that is not told
    its key so.
    """

    vendor: Vendor
    proxy: Proxy
    turns: Turns
    poll_turns: Turns
    callback_url: str
    callback_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where a call is written down, where it waits, and who settles it. `checks` is None where a contract cannot be
    polled.
    """

    ledger: Ledger
    settler: Settler
    claims: Claims
    requests: RequestQueues
    checks: ResultsQueue | None = None


class Caller:
    """Makes one call. `epoch_s` and `sleep_s` are the clock and the pause between two attempts, in seconds."""

    def __init__(
        self,
        request: CallInput,
        out: WayOut,
        back: WayBack,
        *,
        epoch_s: Callable[[], float],
        sleep_s: Callable[[float], None],
    ) -> None:
        self._request = request
        self._out = out
        self._vendor = out.vendor
        self._back = back
        self._ledger = back.ledger
        self._epoch_s = epoch_s
        self._sleep_s = sleep_s

    def call(self) -> CallReport:
        """Submit a queued call once. A repeated invocation of one lease owner picks up where the first broke off.

        Raises NewerFormat where the ledger's records are for newer code; then nothing has happened to the call here.
        """
        report = self._call()
        for turns in (self._out.turns, self._out.poll_turns):
            turns.report()  # last: an error here repeats nothing but this
        return report

    def _call(self) -> CallReport:
        try:
            call = self._begin()
            if call is None:
                return CallReport(CallOutcome.DUPLICATE)
            if not call.job_id and not self._back.settler.awaited(call):
                return self._expire(call)
            job_id = call.job_id or self._accept(call)
        except RetryLater as error:
            return self._defer(error)
        except FailTask as error:
            return CallReport(CallOutcome.REJECTED, error=error.code, cause=error.cause)
        self._join(call, job_id)
        return CallReport(CallOutcome.ACCEPTED, job_id=job_id)

    def _begin(self) -> Call | None:
        """Take the call from its queue, or take it up where an earlier invocation of this lease owner broke off: behind
        the vendor's answer, where it has its job ID, or in mid-submit, which leaves it in doubt.

        None where the call is another's, or over. FailTask where it is in doubt and must not be submitted again.
        """
        call_id, owner = self._request.call_id, self._request.lease_owner
        begun = self._ledger.begin(call_id, owner, self._vendor.caller_timeout_s)
        if begun is not None:
            return begun
        found = self._ledger.find(call_id)
        if found is None or found.lease_owner != owner:
            return None
        if found.state in (CallState.ACCEPTED, CallState.ANSWERED) and found.job_id:
            return found
        if found.state is not CallState.DISPATCHING:
            return None
        if self._vendor.submit.ambiguity is Ambiguity.REJECT:
            cause = f"{self._vendor.name}: the caller broke off; not repeated, a job could be doubled"
            raise FailTask(ErrorCode.CALLER_CRASHED, cause)
        return replace(found, doubtful=True)

    def _expire(self, call: Call) -> CallReport:
        """Drop a call whose task has ended while it was queued: the vendor would work for nobody.

        Its permit is not used, and its slot stays empty. Its in-flight permit is given back, but where an earlier
        attempt may have left a job at the vendor.
        """
        self._ledger.expire(call.call_id)
        if not call.doubtful:
            self._back.settler.release(call)
        cause = f"{self._vendor.name}: the task had ended before the vendor was called"
        return CallReport(CallOutcome.EXPIRED, error=ErrorCode.REQUEST_EXPIRED, cause=cause)

    def _accept(self, call: Call) -> str:
        """Get the vendor's job ID and write it down. RetryLater, InDoubt and FailTask as `submit` raises them."""
        job_id = self._answered_too_late() or self._submit(call)
        self._ledger.accept(call.call_id, job_id)
        return job_id

    def _answered_too_late(self) -> str | None:
        """Return the job of a call whose good answer came when its task had ended: whoever repeats the call takes that
        answer, and the vendor is not asked to work twice.
        """
        predecessor = self._request.predecessor
        call = self._ledger.find(predecessor) if predecessor else None
        if call is None or call.vendor != self._vendor.name or call.state is not CallState.LATE or not call.job_id:
            return None
        answer = self._ledger.answer_of_job(call.vendor, call.job_id)
        return call.job_id if answer and answer.succeeded else None

    def _submit(self, call: Call) -> str:
        out, key = self._out, self._request.idempotency_key
        ask = partial(job_of_key, out.proxy, out.vendor, key, out.poll_turns)
        submission = submission_of(out.vendor, self._payload(), key, out.callback_url, out.callback_key)
        return submit(out.proxy, out.vendor, submission, out.turns, ask, self._sleep_s, doubtful=call.doubtful)

    def _payload(self) -> Mapping[str, Any]:
        """Return what the vendor gets: the payload, or what its claim check stands for. FailTask where that is gone."""
        try:
            payload = self._back.claims.redeem(self._request.payload, requests_folder(self._vendor.name))
        except Malformed as error:
            raise FailTask(ErrorCode.REQUEST_MALFORMED, f"payload: {error}") from error
        if not isinstance(payload, Mapping):
            raise FailTask(ErrorCode.REQUEST_MALFORMED, "payload: its claim check does not stand for an object")
        return payload

    def _defer(self, error: RetryLater) -> CallReport:
        """Let the call wait in its request queue, for as long as it takes.

        First the ledger: a message that came while the call is `dispatching` would be dropped as a duplicate. After a
        crash between the two, the next attempt of `dispatch_call` begins the call anew. A message too many does no
        harm: `begin` lets one through, and what finds the call elsewhere than `queued` is dropped. In doubt the call
        keeps its in-flight permit: the vendor may work on the job.
        """
        request, doubtful = self._request, isinstance(error, InDoubt)
        call = self._ledger.release(request.call_id, doubtful)
        if call is None:
            return CallReport(CallOutcome.DUPLICATE)  # it has expired meanwhile: nobody waits for it
        if not doubtful:
            self._back.settler.release(call)  # before another dispatcher can take it again for the same call
        again = CallRequest(
            call.call_id, call.vendor, request.idempotency_key, request.payload, call.waiter, request.predecessor
        )
        self._back.requests.requeue(again.to_body(), request.origin, error.retry_after_s)
        return CallReport(
            CallOutcome.NEWER if isinstance(error, NewerFormat) else CallOutcome.DEFERRED,
            error=ErrorCode.VENDOR_THROTTLED,
            cause=f"{self._vendor.name}: {error}",
            retry_after_s=error.retry_after_s,
        )

    def _join(self, call: Call, job_id: str) -> None:
        """Map the job ID to the call; settle at once where the vendor's answer was faster than its own response, and
        have the job asked about otherwise, in case that its callback never comes.
        """
        answer = self._ledger.join_call(call.vendor, job_id, call.call_id)
        if answer is not None:
            self._back.settler.settle(call.call_id, answer)
            return
        self._back.settler.beat(call)
        checks, poll = self._back.checks, self._vendor.poll
        if checks and poll:
            checks.check(Check.first(self._vendor, poll, call.call_id, job_id, int(self._epoch_s())))
