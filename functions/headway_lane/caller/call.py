"""One call under the ledger's eye (hops 6 and 7): begin, submit, accept, and join an answer that came first."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Self

from headway_lane.contract.exchange import Ambiguity
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import Call, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.turn import Turns, Unpaced
from headway_lane.messages.check import Check, Checks
from headway_lane.messages.claim import Claims, requests_folder
from headway_lane.messages.origin import Origin
from headway_lane.messages.request import CallRequest
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.resume.settlement import Settler
from headway_lane.runtime.errors import ErrorCode, FailTask, InDoubt, Malformed, RetryLater
from headway_lane.vendor_api.lookup import job_of_key
from headway_lane.vendor_api.proxy import Proxy
from headway_lane.vendor_api.submit import submit


class CallOutcome(StrEnum):
    """What `dispatch_call` branches on."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class CallReport:
    """A call's outcome as data: engines disagree about error names that cross a Lambda boundary."""

    outcome: CallOutcome
    job_id: str | None = None
    error: str | None = None
    cause: str | None = None
    retry_after_s: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields that are set."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class Caller:
    """Calls one vendor on behalf of ledger records; `turns` are those of submits, `poll_turns` those of lookups."""

    def __init__(
        self,
        vendor: Vendor,
        ledger: Ledger,
        settler: Settler,
        requests: RequestQueues,
        proxy: Proxy,
        claims: Claims,
        callback_url: str,
        turns: Turns,
        callback_key: str | None = None,
        checks: Checks | None = None,
        poll_turns: Turns | None = None,
    ) -> None:
        self._callback_key = callback_key
        self._checks = checks
        self._vendor = vendor
        self._ledger = ledger
        self._settler = settler
        self._requests = requests
        self._proxy = proxy
        self._claims = claims
        self._callback_url = callback_url
        self._turns = turns
        self._poll_turns = poll_turns or Unpaced()

    def call(self, request: "CallInput") -> CallReport:
        """Submit a queued call once. A repeated invocation of one lease owner picks up where the first broke off."""
        call = self._ledger.begin(request.call_id, request.lease_owner, self._vendor.caller_timeout_s)
        report = self._submit(request, call, call.doubtful) if call else self._continue(request)
        for turns in (self._turns, self._poll_turns):
            turns.report()  # last: an error here repeats nothing but this
        return report

    def _submit(self, request: "CallInput", call: Call, doubtful: bool) -> CallReport:
        ask = partial(job_of_key, self._proxy, self._vendor, request.idempotency_key, self._poll_turns)
        try:
            job_id = self._answered_too_late(request.predecessor) or submit(
                self._proxy,
                self._vendor,
                self._payload(request),
                request.idempotency_key,
                self._callback_url,
                self._turns,
                ask,
                time.sleep,
                self._callback_key,
                doubtful,
            )
        except RetryLater as error:
            return self._defer(request, error)
        except FailTask as error:
            return CallReport(CallOutcome.REJECTED, error=error.code, cause=error.cause)
        self._ledger.accept(request.call_id, job_id)
        return self._join(call, job_id)

    def _answered_too_late(self, call_id: str) -> str | None:
        """Return the job of a call whose good answer came when its task had ended: whoever repeats the call takes that
        answer, and the vendor is not asked to work twice.
        """
        call = self._ledger.find(call_id) if call_id else None
        if call is None or call.vendor != self._vendor.name or call.state is not CallState.LATE or not call.job_id:
            return None
        answer = self._ledger.answer_of_job(call.vendor, call.job_id)
        return call.job_id if answer and answer.succeeded else None

    def _payload(self, request: "CallInput") -> Mapping[str, Any]:
        """Return what the vendor gets: the payload, or what its claim check stands for. FailTask where that is gone."""
        try:
            payload = self._claims.redeem(request.payload, requests_folder(self._vendor.name))
        except Malformed as error:
            raise FailTask(ErrorCode.REQUEST_MALFORMED, f"payload: {error}") from error
        if not isinstance(payload, Mapping):
            raise FailTask(ErrorCode.REQUEST_MALFORMED, "payload: its claim check does not stand for an object")
        return payload

    def _defer(self, request: "CallInput", error: RetryLater) -> CallReport:
        """Let the call wait in the request queue, for as long as it takes.

        First the ledger: a message that came while the call is `dispatching` would be dropped as a duplicate. A crash
        between the two is patched by the next attempt of `dispatch_call`, which begins the call anew. A message too
        many does no harm: `begin` lets one through, and what finds the call elsewhere than `queued` is dropped. In
        doubt the call keeps its in-flight permit: the vendor may work on the job.
        """
        doubtful = isinstance(error, InDoubt)
        call = self._ledger.release(request.call_id, doubtful)
        if call is None:
            return CallReport(CallOutcome.DUPLICATE)  # it has expired meanwhile: nobody waits for it
        if not doubtful:
            self._settler.release(call)  # before another dispatcher can take it again for the same call
        again = CallRequest(
            call.call_id, call.vendor, request.idempotency_key, request.payload, call.task_token, request.predecessor
        )
        self._requests.requeue(again.to_body(), request.origin, error.retry_after_s)
        return CallReport(
            CallOutcome.DEFERRED,
            error=ErrorCode.VENDOR_THROTTLED,
            cause=f"{self._vendor.name}: {error}",
            retry_after_s=error.retry_after_s,
        )

    def _continue(self, request: "CallInput") -> CallReport:
        """Another invocation took this call: a duplicate, or ourselves before a crash."""
        call = self._ledger.find(request.call_id)
        if call is None or call.lease_owner != request.lease_owner:
            return CallReport(CallOutcome.DUPLICATE)
        if call.state in (CallState.ACCEPTED, CallState.ANSWERED) and call.job_id:
            return self._join(call, call.job_id)
        if call.state is not CallState.DISPATCHING:
            return CallReport(CallOutcome.DUPLICATE)
        if self._vendor.submit.ambiguity is not Ambiguity.REJECT:
            return self._submit(request, call, doubtful=True)
        cause = f"{self._vendor.name}: the caller broke off; not repeated, a job could be doubled"
        return CallReport(CallOutcome.REJECTED, error=ErrorCode.CALLER_CRASHED, cause=cause)

    def _join(self, call: Call, job_id: str) -> CallReport:
        """Map the job ID to the call; settle at once where the vendor's answer was faster than its own response."""
        answer = self._ledger.join_call(call.vendor, job_id, call.call_id)
        if answer is not None:
            self._settler.settle(call.call_id, answer)
        else:
            self._settler.beat(call.task_token)
            self._check_later(call, job_id)
        return CallReport(CallOutcome.ACCEPTED, job_id=job_id)

    def _check_later(self, call: Call, job_id: str) -> None:
        """Have the job asked about, in case that its callback never comes."""
        if self._checks and self._vendor.poll:
            self._checks.put(Check.first(self._vendor, self._vendor.poll, call.call_id, job_id, int(time.time())))


@dataclass(frozen=True, slots=True)
class CallInput:
    """What `dispatch_call` hands to the caller; `lease_owner` is its own execution. A call that is deferred goes back
    to its `origin`; one that repeats another names it as its `predecessor`.
    """

    call_id: str
    lease_owner: str
    idempotency_key: str
    payload: dict[str, Any]
    origin: Origin
    permit: Permit | None
    predecessor: str = ""

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Self:
        """Read the function's event; `permit` is empty for plain pacing."""
        permit = Permit(**event["permit"]) if event.get("permit") else None
        return cls(**{**event, "origin": Origin(**event["origin"]), "permit": permit})
