"""A vendor as data: what it sells and how one speaks with it.

In: a contract document (`config/appconfig/vendors/*.yaml`), already checked against `vendor.schema.json` at synth and
by AppConfig. Out: frozen dataclasses, and the numbers that must agree with one another (timeouts, heartbeat, soft
limit), each computed from the contract in one place.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

MARGIN_S: Final = 30
"""Slack between two timeouts where the inner one has to end first: cold starts and the queue's own latency."""


SETTLE_TIMEOUT_S: Final = 15
"""Timeout of the functions that only write to the ledger and to Step Functions."""

TURN_PATIENCE_S: Final = 10
"""The longest that a running function waits for its slot; what is further away goes back to the workflow or queue."""

LONGEST_DELAY_S: Final = 5
"""Maximum of `delay_ms` in `tuning.schema.json`, in seconds."""

EXPRESS_TIMEOUT_S: Final = 300
"""The longest that Step Functions lets an Express workflow run (service quotas)."""

DEFER_SECONDS: Final = 30
"""Longest pause of `dispatch_call` between two rounds with a vendor that throttles."""

URGENT_CONCURRENCY: Final = 2
"""The least that an event source mapping takes as its maximum concurrency, and enough for half of a small lane."""

FENCE_BURST_SHARE: Final = 0.2
"""Share of a limit that the proxy's token bucket gives away as burst."""


class Scope(StrEnum):
    """Which calls a limit counts."""

    SUBMIT = "submit"
    POLL = "poll"


class Drain(StrEnum):
    """What empties the request queue."""

    EVENT_SOURCE = "event_source"
    """An SQS event source mapping: the dispatcher runs while there is work."""
    SCHEDULE = "schedule"
    """EventBridge Scheduler: one batch per interval, for contracts below a call per several seconds."""


class Pacing(StrEnum):
    """What keeps the calls of a vendor to its contract."""

    PERMITS = "permits"
    """Shared permits: slots booked ahead of time, kept by the caller in the last step before the socket."""
    DELAY = "delay"
    """The reference's plain way: a fixed pause in every dispatcher, which do not know of each other."""


class Ambiguity(StrEnum):
    """What to do when it is not known whether the vendor took a submit (5xx, timeout, crash)."""

    RETRY = "retry"
    """Repeat it: the vendor knows the idempotency key, or a doubled job does no harm."""
    REJECT = "reject"
    """Fail the task: a doubled job would."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` calls of `scope` in any half-open window of `per_s` seconds."""

    amount: int
    per_s: float
    scope: Scope

    @property
    def rate_per_s(self) -> float:
        """Calls per second over a long time."""
        return self.amount / self.per_s


@dataclass(frozen=True, slots=True)
class Fence:
    """A token bucket of API Gateway: steady rate in calls per second, and burst."""

    rate_per_s: float
    burst_count: int


@dataclass(frozen=True, slots=True)
class Credential:
    """Where the vendor wants its API token: header `header`, value `format` with `{token}` in it."""

    header: str
    format: str


@dataclass(frozen=True, slots=True)
class Submit:
    """How a job is submitted, and where the job ID is in the answer."""

    method: str
    path: str
    timeout_s: float
    job_id: str
    callback_url: str
    fields: Mapping[str, Any]
    idempotency_header: str | None
    ambiguity: Ambiguity


@dataclass(frozen=True, slots=True)
class Callback:
    """What the vendor's callback says, and where; `verification` names a preset of `callback/verification.py`."""

    job_id: str
    status: str
    success: frozenset[str]
    failure: frozenset[str]
    progress: frozenset[str]
    verification: str


@dataclass(frozen=True, slots=True)
class Result:
    """How a finished job's result is fetched; `path` has `{job_id}` in it."""

    path: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a call may wait before (`tolerated_s`) and after (`answer_s`) the vendor has it, in seconds."""

    tolerated_s: int
    answer_s: int


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The reference architecture's five parameters and how the queue is drained. Fixed at deploy time."""

    drain: Drain
    pacing: Pacing
    interval_minutes: int
    batch_size: int
    batching_window_s: int
    maximum_concurrency: int
    urgent_concurrency: int
    reserved_concurrency: int
    provisioned_concurrency: int
    direct: bool

    @property
    def dispatchers_count(self) -> int:
        """Dispatchers that may run at once: those of the request queue and, where there is one, of the urgent queue."""
        return self.maximum_concurrency + self.urgent_concurrency


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor's contract file."""

    name: str
    base_url: str
    limits: tuple[Limit, ...]
    credential: Credential | None
    submit: Submit
    callback: Callback
    result: Result
    waits: Waits
    dispatch: Dispatch

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a document that satisfies `vendor.schema.json`; KeyError or TypeError where it does not."""
        submit, callback, dispatch = document["submit"], document["callback"], document["dispatch"]
        credential = document.get("credential")
        return cls(
            name=document["vendor"],
            base_url=document["base_url"].rstrip("/"),
            limits=tuple(
                Limit(amount=limit["amount"], per_s=limit["per_s"], scope=Scope(limit["scope"]))
                for limit in document["limits"]
            ),
            credential=Credential(credential["header"], credential["format"]) if credential else None,
            submit=Submit(
                method=submit["method"],
                path=submit["path"],
                timeout_s=submit["timeout_s"],
                job_id=submit["job_id"],
                callback_url=submit["callback_url"],
                fields=submit.get("fields", {}),
                idempotency_header=submit.get("idempotency_header"),
                ambiguity=Ambiguity(submit["ambiguity"]),
            ),
            callback=Callback(
                job_id=callback["job_id"],
                status=callback["status"],
                success=frozenset(callback["success"]),
                failure=frozenset(callback["failure"]),
                progress=frozenset(callback.get("progress", ())),
                verification=callback["verification"],
            ),
            result=Result(path=document["result"]["path"], timeout_s=document["result"]["timeout_s"]),
            waits=Waits(tolerated_s=document["waits"]["tolerated_s"], answer_s=document["waits"]["answer_s"]),
            dispatch=Dispatch(
                drain=Drain(dispatch["drain"]),
                pacing=Pacing(dispatch.get("pacing", Pacing.PERMITS)),
                interval_minutes=dispatch.get("interval_minutes", 1),
                batch_size=dispatch["batch_size"],
                batching_window_s=dispatch["batching_window_s"],
                maximum_concurrency=dispatch["maximum_concurrency"],
                urgent_concurrency=dispatch.get("urgent_concurrency", URGENT_CONCURRENCY),
                reserved_concurrency=dispatch["reserved_concurrency"],
                provisioned_concurrency=dispatch["provisioned_concurrency"],
                direct=dispatch.get("direct", False),
            ),
        )

    def limits_of(self, scope: Scope) -> tuple[Limit, ...]:
        """Return the limits that count the calls of a scope."""
        return tuple(limit for limit in self.limits if limit.scope is scope)

    def max_rps(self, scope: Scope) -> float:
        """Return the calls per second that the tightest limit of a scope allows; infinite where none counts it."""
        return min((limit.rate_per_s for limit in self.limits_of(scope)), default=math.inf)

    def fence(self, scope: Scope) -> Fence | None:
        """Return the proxy's throttle for a scope, None where no limit counts it.

        A bucket of rate R and burst B admits up to R x W + B in a window W. Plain pacing leans on it, so there B is
        taken off the amount before R is drawn from it: `R = (amount - B) / W`. Permits hold the contract by themselves
        and must not be throttled by jitter at full rate: there `R = amount / W`. The tightest of several limits holds.
        """
        limits = self.limits_of(scope)
        if not limits:
            return None
        bursts = [max(1, math.floor(limit.amount * FENCE_BURST_SHARE)) for limit in limits]
        if self.dispatch.pacing is Pacing.PERMITS:
            return Fence(rate_per_s=self.max_rps(scope), burst_count=min(bursts))
        rates = [max(limit.amount - burst, 0.5) / limit.per_s for limit, burst in zip(limits, bursts, strict=True)]
        return Fence(rate_per_s=min(rates), burst_count=min(bursts))

    @property
    def soft_limit_count(self) -> int:
        """Queue depth above which a new call would wait longer than tolerated: `max_rps x tolerated wait`."""
        return math.floor(self.max_rps(Scope.SUBMIT) * self.waits.tolerated_s)

    @property
    def urgent_limit_count(self) -> int:
        """The same for urgent calls, whose dispatchers get their share of the slots while the others are busy too."""
        return self.soft_limit_count * self.dispatch.urgent_concurrency // self.dispatch.dispatchers_count

    @property
    def call_heartbeat_s(self) -> int:
        """HeartbeatSeconds of the callback task. The clock restarts when the vendor accepts and at every progress
        event, so the longest silence is the longer of the two waits; the direct way has no function that could say
        that the vendor accepted, so there it is both.
        """
        waits_s = (self.waits.tolerated_s, self.waits.answer_s)
        return (sum(waits_s) if self.dispatch.direct else max(waits_s)) + MARGIN_S

    @property
    def call_timeout_s(self) -> int:
        """TimeoutSeconds of the callback task: both waits, one after the other; always above the heartbeat."""
        return self.waits.tolerated_s + self.waits.answer_s + 2 * MARGIN_S

    @property
    def results_timeout_s(self) -> int:
        """Timeout of results: its budget (`results.fetch.BUDGET_S`), a wait for a slot, one last attempt."""
        return math.ceil(self.result.timeout_s) + MARGIN_S + TURN_PATIENCE_S

    @property
    def caller_timeout_s(self) -> int:
        """Timeout of the caller: its budget (`caller.submit.BUDGET_S`), a wait for a slot, one last attempt."""
        return math.ceil(self.submit.timeout_s) + MARGIN_S + TURN_PATIENCE_S

    @property
    def defer_rounds(self) -> int:
        """Rounds of `dispatch_call` with a throttling vendor that fit into an Express workflow, one at least."""
        return max(1, (EXPRESS_TIMEOUT_S - MARGIN_S) // (self.caller_timeout_s + DEFER_SECONDS))

    @property
    def dispatcher_timeout_s(self) -> int:
        """Timeout of the dispatcher: a whole batch at the contract's own pace, or at the operator's longest delay where
        that is the pacing; 900 s is Lambda's own limit, and a reason to drain by schedule below it.
        """
        pace_s = self.dispatch.dispatchers_count / self.max_rps(Scope.SUBMIT)
        if self.dispatch.pacing is Pacing.DELAY:
            pace_s = max(pace_s, LONGEST_DELAY_S)
        return min(900, math.ceil(self.dispatch.batch_size * pace_s) + MARGIN_S)

    @property
    def request_visibility_s(self) -> int:
        """Visibility timeout of the request queue: six times the dispatcher's timeout, as Lambda's documentation
        advises for event source mappings, and the batching window.
        """
        return 6 * self.dispatcher_timeout_s + self.dispatch.batching_window_s

    @property
    def workflow_timeout_s(self) -> int:
        """TimeoutSeconds of a `call_vendor` execution: the callback task, then results with their retries."""
        return self.call_timeout_s + 4 * (self.results_timeout_s + MARGIN_S)

    @property
    def record_ttl_s(self) -> int:
        """How long a ledger record stays: twice the longest workflow, and a week to look at what went wrong."""
        return 2 * self.workflow_timeout_s + 7 * 24 * 3600
