"""One call under the ledger's eye (hops 6 and 7): begin, submit, accept, and join an answer that came first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from headway_lane.caller.invocation import CallInput, CallOutcome, CallReport
from headway_lane.contract.exchange import Ambiguity
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import Call, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.limiter.reporting import reported
from headway_lane.limiter.turn import Turns
from headway_lane.messages.check import Check
from headway_lane.messages.claim import Claims, requests_folder
from headway_lane.messages.request import CallRequest
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.messages.results_queue import ResultsQueue
from headway_lane.messages.trace_context import traceparent_of
from headway_lane.resume.settlement import Settler
from headway_lane.runtime.errors import (
    NOT_AT_THE_VENDOR,
    ErrorCode,
    FailTask,
    HeadwayError,
    InDoubt,
    Malformed,
    NewerFormat,
    RetryLater,
)
from headway_lane.runtime.observability import logger
from headway_lane.vendor_api.attempt import repeating
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


class TaskEnded(HeadwayError):  # noqa: N818 - named by what has happened
    """Nobody waits for the call any more; `in_doubt` where the vendor may have it."""

    def __init__(self, in_doubt: bool) -> None:
        super().__init__()
        self.in_doubt = in_doubt


class Overtaken(HeadwayError):  # noqa: N818
    """Somebody else makes the call now."""


class Caller:
    """Makes one call. `reach` opens the way to the vendor, when the call is ours; `epoch_s` and `sleep_s` are the clock
    and the pause between two attempts, in seconds.

    Whatever fails before the ledger says `sending` lets the call go back to its queue. From there on the vendor may
    have it: what fails then leaves it in doubt.
    """

    def __init__(
        self,
        request: CallInput,
        vendor: Vendor,
        reach: Callable[[], WayOut],
        back: WayBack,
        *,
        epoch_s: Callable[[], float],
        sleep_s: Callable[[float], None],
    ) -> None:
        self._request = request
        self._vendor = vendor
        self._reach = reach
        self._back = back
        self._ledger = back.ledger
        self._epoch_s = epoch_s
        self._sleep_s = sleep_s
        self._ends_epoch_s = request.ends_epoch_s
        self._is_sending = False
        self.turns: tuple[Turns, ...] = ()

    def call(self) -> CallReport:
        """Submit a queued call once, or hand over what the vendor has already. May be repeated.

        Raises NewerFormat where the ledger's records are for newer code; then nothing has happened to the call here.
        """
        report = self._call()
        for turns in self.turns:
            reported(turns, call_id=self._request.call_id)  # another invocation would take a refusal for doubtful
        return report

    def _call(self) -> CallReport:
        try:
            call = self._begin()
            if call is None:
                return CallReport(CallOutcome.DUPLICATE)
            return self._join(call, call.job_id) if call.job_id else self._make(call)
        except FailTask as error:
            doubtful = error.code not in NOT_AT_THE_VENDOR or None
            return CallReport(CallOutcome.REJECTED, error=error.code, cause=error.cause, doubtful=doubtful)

    def _begin(self) -> Call | None:
        """Take the call from its queue, or from whoever has not sent it yet; or take it up where another invocation
        broke off: behind the vendor's answer, where it has its job ID, or in mid-submit, which leaves it in doubt.

        None where the call is another attempt's, or over; and where another invocation may still be sending it: then
        its request comes again when the lease is over. FailTask where it is in doubt and must not be submitted again.
        """
        request, lease_s = self._request, self._vendor.caller_timeout_s
        begun = self._ledger.begin(request.call_id, request.attempt, request.holder, lease_s)
        if begun is not None:
            return begun
        found = self._ledger.find(request.call_id)
        if found is None or found.attempt != request.attempt:
            return None
        if found.state in (CallState.ACCEPTED, CallState.ANSWERED) and found.job_id:
            return found
        if found.state is not CallState.SENDING:
            return None
        left_s = found.lease_until_epoch_s - self._epoch_s()
        if left_s > 0:
            self._requeue(found, left_s)
            return None
        taken = self._ledger.take_back(found, request.holder, lease_s)
        if taken is not None and self._vendor.submit.ambiguity is Ambiguity.REJECT:
            cause = (
                f"{self._vendor.name}: a caller broke off while it was sending; not repeated, a job could be doubled"
            )
            raise FailTask(ErrorCode.CALLER_CRASHED, cause)
        return taken

    def _make(self, call: Call) -> CallReport:
        """Get the vendor's job ID and write it down."""
        try:
            job_id = self._submit(call)
        except TaskEnded as ended:
            return self._expire(call, ended.in_doubt)
        except Overtaken:
            return CallReport(CallOutcome.DUPLICATE)
        except NewerFormat:
            raise
        except RetryLater as later:
            return self._defer(call, later, CallOutcome.DEFERRED)
        except FailTask:
            raise
        except Exception as error:
            if self._is_sending:
                raise
            logger().warning("call not ready", call_id=call.call_id, error_type=type(error).__name__)
            because = f"{type(error).__name__} before the vendor was called"
            unready = InDoubt(because, refusals=call.refusals) if call.doubtful else RetryLater(because)
            return self._defer(call, unready, CallOutcome.UNREADY)
        self._accept(call, job_id)
        return self._join(call, job_id)

    def _submit(self, call: Call) -> str:
        out = self._reach()
        self.turns = (out.turns, out.poll_turns)
        key = call.idempotency_key
        ask = partial(job_of_key, out.proxy, out.vendor, key, out.poll_turns)
        trace = traceparent_of(call.call_id, call.round_number)
        submission = submission_of(out.vendor, self._payload(), key, out.callback_url, out.callback_key, trace)
        return submit(
            out.proxy,
            out.vendor,
            submission,
            out.turns,
            ask,
            self._sleep_s,
            ready=partial(self._ready, call, out.proxy),
            doubtful=call.doubtful,
            refusals=call.refusals,
        )

    def _ready(self, call: Call, proxy: Proxy, in_doubt: bool) -> None:
        """Ask whether the task still waits, connect, and let the ledger say that the call is being sent: the last steps
        before the socket. Raises TaskEnded and Overtaken.
        """
        if not self._back.settler.awaited(call):
            raise TaskEnded(in_doubt)
        self._ends_epoch_s = int(self._epoch_s()) + self._vendor.call_heartbeat_s
        proxy.connect_ahead()
        if not self._is_sending and self._ledger.send(call.call_id, call.attempt, self._request.holder) is None:
            raise Overtaken
        self._is_sending = True

    def _accept(self, call: Call, job_id: str) -> None:
        """Write the job ID down, and try hard: without it nobody finds the job that the vendor is working on."""
        retrying = repeating(lambda error: isinstance(error, (BotoCoreError, ClientError)), self._sleep_s)
        retrying(self._ledger.accept, call.call_id, call.attempt, job_id)

    def _expire(self, call: Call, in_doubt: bool) -> CallReport:
        """Drop a call whose task has ended while it was queued: the vendor would work for nobody.

        Its permit is not used, and its slot stays empty. Its in-flight permit is given back, but where an earlier
        attempt may have left a job at the vendor.
        """
        cause = f"{self._vendor.name}: the task had ended before the vendor was called"
        if self._is_sending:
            self._ledger.release(call, in_doubt)
        self._ledger.expire(call, cause)
        if not in_doubt:
            self._back.settler.release(call)
        return CallReport(CallOutcome.EXPIRED, error=ErrorCode.REQUEST_EXPIRED, cause=cause)

    def _payload(self) -> Mapping[str, Any]:
        """Return what the vendor gets: the payload, or what its claim check stands for. FailTask where that is gone."""
        try:
            payload = self._back.claims.redeem(self._request.payload, requests_folder(self._vendor.name))
        except Malformed as error:
            raise FailTask(ErrorCode.REQUEST_MALFORMED, f"payload: {error}") from error
        if not isinstance(payload, Mapping):
            raise FailTask(ErrorCode.REQUEST_MALFORMED, "payload: its claim check does not stand for an object")
        return payload

    def _defer(self, call: Call, error: RetryLater, outcome: CallOutcome) -> CallReport:
        """Let the call wait in its request queue, for as long as it takes.

        First the ledger: a message that came while the call is in hand would wait for its lease. After a crash between
        the two, the next attempt of `dispatch_call` begins the call anew. A message too many does no harm: `begin` lets
        one through, and what finds the call elsewhere is dropped. In doubt the call keeps its in-flight permit: the
        vendor may work on the job.
        """
        doubtful = isinstance(error, InDoubt)
        refusals = error.refusals if isinstance(error, InDoubt) else 0
        if self._ledger.release(call, doubtful, refusals=refusals) is None:
            return CallReport(CallOutcome.DUPLICATE)  # somebody else has it
        if not doubtful:
            self._back.settler.release(call)  # before another dispatcher can take it again for the same call
        self._requeue(call, error.retry_after_s)
        return CallReport(
            outcome,
            error=ErrorCode.VENDOR_THROTTLED,
            cause=f"{self._vendor.name}: {error}",
            retry_after_s=error.retry_after_s,
            doubtful=doubtful or None,
        )

    def _requeue(self, call: Call, delay_s: float | None) -> None:
        request = self._request
        again = CallRequest(
            call.call_id, call.attempt, request.place, call.vendor, request.payload, call.waiter, self._ends_epoch_s
        )
        self._back.requests.requeue(again.to_body(), request.origin, delay_s)

    def _join(self, call: Call, job_id: str) -> CallReport:
        """Map the job ID to the call; settle at once where the vendor's answer was faster than its own response, and
        have the job asked about otherwise, in case that its callback never comes. FailTask where the job is another
        tenant's.
        """
        try:
            answer = self._ledger.join_call(call, job_id)
        except FailTask as error:
            self._ledger.abandon(call, error.code, error.cause)
            raise
        if answer is not None:
            self._back.settler.settle(call.call_id, answer)
        else:
            checks, poll = self._back.checks, self._vendor.poll
            if checks and poll:
                checks.check(Check.first(self._vendor, poll, call.call_id, job_id, int(self._epoch_s())))
            self._back.settler.awaited(call)  # after the check, which must not be lost for a throttled sign of life
        return CallReport(CallOutcome.ACCEPTED, job_id=job_id)
