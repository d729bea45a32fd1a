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

from headway_lane.contract.exchange import Callback, Credential, Poll, Result, Submit, result_from_document

MARGIN_S: Final = 30
"""Slack between two timeouts where the inner one has to end first: cold starts and the queue's own latency."""


SETTLE_TIMEOUT_S: Final = 15
"""Timeout of the functions that only write to the ledger and to Step Functions."""

TURN_PATIENCE_S: Final = 10
"""The longest that a running function waits for its slot; what is further away goes back to the queue."""

LONGEST_DELAY_S: Final = 5
"""Maximum of `delay_ms` in `tuning.schema.json`, in seconds."""

EXPRESS_TIMEOUT_S: Final = 300
"""The longest that Step Functions lets an Express workflow run (service quotas)."""

LEAST_CONCURRENCY: Final = 2
"""The least that an event source mapping takes as its maximum concurrency; permits need no more at any rate."""

BATCH_SIZE: Final = 10
"""The most that a standard queue gives without a batching window: one reservation, one write."""

FENCE_BURST_SHARE: Final = 0.2
"""Share of a limit that the proxy's token bucket gives away as burst."""

CHECK_BATCH_SIZE: Final = 5
"""Checks that one reconciler makes in a row."""

IN_FLIGHT_LIMIT: Final = 2_000
"""The most jobs in flight that a contract may sell: their in-flight permits are one DynamoDB item of 400 KB, 200 bytes
for each.
"""

LONG_WINDOW_S: Final = 10
"""From here on permits keep a limit as a quota: a burst may use what a quiet time left over."""

BURST_FACTOR: Final = 8
"""Where only long windows are sold, a burst of permits runs at most this much faster than the average."""

SCHEDULED_BELOW_RPS: Final = 0.2
"""Below a call per five seconds a polling dispatcher is idle nearly always: a schedule drains the queue instead."""


class Scope(StrEnum):
    """Which calls a limit counts."""

    SUBMIT = "submit"
    POLL = "poll"
    ANY = "any"
    """Both, one by one: a submit and the poll for its result are two calls."""


class Quantity(StrEnum):
    """What a limit of the contract file is about."""

    CALLS = "calls"
    """So many calls of a scope in any window."""
    JOBS_IN_FLIGHT = "jobs_in_flight"
    """So many jobs at one time, from the vendor's acceptance to its last word."""


class Drain(StrEnum):
    """What empties the request queue."""

    EVENT_SOURCE = "event_source"
    """An SQS event source mapping: the dispatcher runs while there is work."""
    SCHEDULE = "schedule"
    """EventBridge Scheduler: one batch per interval, for contracts below a call per several seconds."""

    @classmethod
    def of(cls, rate_per_s: float) -> Self:
        """Choose what suits a contract of so many calls per second."""
        return cls(cls.SCHEDULE if rate_per_s < SCHEDULED_BELOW_RPS else cls.EVENT_SOURCE)


class Pacing(StrEnum):
    """What keeps the calls of a vendor to its contract."""

    PERMITS = "permits"
    """Shared permits: slots reserved ahead of time, kept by the caller in the last step before the socket."""
    DELAY = "delay"
    """The reference's plain way: a fixed pause in every dispatcher, which do not know of each other."""


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

    @property
    def is_quota(self) -> bool:
        """Whether permits keep it as a quota: from there on that costs less than even spacing gives away."""
        return self.per_s >= LONG_WINDOW_S

    @property
    def burst_factor(self) -> int:
        """How much faster than over a long time permits may go."""
        return BURST_FACTOR if self.is_quota else 1


@dataclass(frozen=True, slots=True)
class Fence:
    """A token bucket of API Gateway: steady rate in calls per second, and burst."""

    rate_per_s: float
    burst_count: int


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a call may wait before (`tolerated_s`) and after (`answer_s`) the vendor has it, in seconds."""

    tolerated_s: int
    answer_s: int


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The reference architecture's five parameters and how the queue is drained. Fixed at deploy time.

    `drain_is_set` says whether the contract file names the drain; else it was chosen from the rate.
    """

    drain: Drain
    drain_is_set: bool
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
    """One vendor's contract file; `jobs_in_flight` is None where the vendor takes as many jobs as there are, `callback`
    where it calls nobody back, so that jobs are polled alone. `headers` go with every call.
    """

    name: str
    base_url: str
    limits: tuple[Limit, ...]
    jobs_in_flight: int | None
    credential: Credential | None
    headers: Mapping[str, str]
    submit: Submit
    callback: Callback | None
    result: Result
    poll: Poll | None
    waits: Waits
    dispatch: Dispatch

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a document that satisfies `vendor.schema.json`; KeyError or TypeError where it does not."""
        dispatch, credential = document.get("dispatch", {}), document.get("credential")
        maximum_concurrency = dispatch.get("maximum_concurrency", LEAST_CONCURRENCY)
        urgent_concurrency = dispatch.get("urgent_concurrency", LEAST_CONCURRENCY)
        limits = tuple(
            Limit(amount=limit["amount"], per_s=limit["per_s"], scope=Scope(limit["scope"]))
            for limit in document["limits"]
            if limit["quantity"] == Quantity.CALLS
        )
        in_flight = [limit["amount"] for limit in document["limits"] if limit["quantity"] == Quantity.JOBS_IN_FLIGHT]
        return cls(
            name=document["vendor"],
            base_url=document["base_url"].rstrip("/"),
            limits=limits,
            jobs_in_flight=min(in_flight, default=None),
            credential=Credential(credential["header"], credential["format"]) if credential else None,
            submit=Submit.from_document(document["submit"]),
            headers=document.get("headers", {}),
            callback=Callback.from_document(document["callback"]) if "callback" in document else None,
            result=result_from_document(document["result"]),
            poll=Poll.from_document(document["poll"]) if "poll" in document else None,
            waits=Waits(tolerated_s=document["waits"]["tolerated_s"], answer_s=document["waits"]["answer_s"]),
            dispatch=Dispatch(
                drain=Drain(dispatch.get("drain") or Drain.of(_max_rps(limits, Scope.SUBMIT))),
                drain_is_set="drain" in dispatch,
                pacing=Pacing(dispatch.get("pacing", Pacing.PERMITS)),
                interval_minutes=dispatch.get("interval_minutes", 1),
                batch_size=dispatch.get("batch_size", BATCH_SIZE),
                batching_window_s=dispatch.get("batching_window_s", 0),
                maximum_concurrency=maximum_concurrency,
                urgent_concurrency=urgent_concurrency,
                reserved_concurrency=dispatch.get("reserved_concurrency", maximum_concurrency + urgent_concurrency),
                provisioned_concurrency=dispatch.get("provisioned_concurrency", 0),
                direct=dispatch.get("direct", False),
            ),
        )

    def callbacks(self) -> Callback:
        """Return what the vendor's callbacks are like; ValueError where it calls nobody back."""
        if self.callback is None:
            raise ValueError(f"{self.name} calls nobody back")
        return self.callback

    def limits_of(self, scope: Scope) -> tuple[Limit, ...]:
        """Return the limits that count the calls of a scope, those of any calls among them; all of them for ANY."""
        return _limits_of(self.limits, scope)

    def budget_scope(self, scope: Scope) -> Scope:
        """Return the scope that the calls of a scope are reserved under: ANY for all of them where a limit counts both.

        One reserve knows one rule, so polls keep the limits of submits then, and the other way round. That is stricter
        than the contract, and never breaks it.
        """
        return Scope.ANY if any(limit.scope is Scope.ANY for limit in self.limits) else scope

    def max_rps(self, scope: Scope) -> float:
        """Return the calls per second that the tightest limit of a scope allows; infinite where none counts it.

        Under a limit on any calls that is what one scope may use while the other one is silent.
        """
        return _max_rps(self.limits, scope)

    def burst_rps(self, scope: Scope) -> float:
        """Return the calls per second that may go for a while; infinite where no limit counts the scope.

        Permits spend a quota as a burst, pauses do not.
        """
        if self.dispatch.pacing is Pacing.DELAY:
            return self.max_rps(scope)
        return min((limit.rate_per_s * limit.burst_factor for limit in self.limits_of(scope)), default=math.inf)

    def lasting_rps(self) -> float:
        """Return the submits per second that can go on for long: each is followed by the poll for its result, and by
        one more at least where nobody calls back, so of what is reserved under one rule for both they get a half or a
        third.
        """
        if self.budget_scope(Scope.SUBMIT) is Scope.ANY:
            return self.max_rps(Scope.ANY) / (2 if self.callback else 3)
        return self.max_rps(Scope.SUBMIT)

    def fence(self, scope: Scope) -> Fence | None:
        """Return the proxy's throttle for a scope, None where no limit counts it.

        A bucket of rate R and burst B admits up to R x W + B in a window W. Plain pacing leans on it, so there B is
        taken off the amount before R is drawn from it: `R = (amount - B) / W`. Permits hold the contract by themselves
        and must not be throttled by jitter at full rate: there R is the rate of their bursts. The tightest of several
        limits holds.
        A limit on any calls stands before each scope by itself, because API Gateway counts by method: there the fence
        alone lets up to twice as much through.
        """
        limits = self.limits_of(scope)
        if not limits:
            return None
        bursts = [max(1, math.floor(limit.amount * FENCE_BURST_SHARE)) for limit in limits]
        if self.dispatch.pacing is Pacing.PERMITS:
            return Fence(rate_per_s=self.burst_rps(scope), burst_count=min(bursts))
        rates = [max(limit.amount - burst, 0.5) / limit.per_s for limit, burst in zip(limits, bursts, strict=True)]
        return Fence(rate_per_s=min(rates), burst_count=min(bursts))

    @property
    def soft_limit_count(self) -> int:
        """Queue depth above which a new call would wait longer than tolerated: `lasting_rps x tolerated wait`."""
        return math.floor(self.lasting_rps() * self.waits.tolerated_s)

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
    def in_flight_expiry_s(self) -> int:
        """How long a job's in-flight permit lasts where nobody gives it back: longer than its task, which ends by its
        timeout.
        """
        return self.call_timeout_s + MARGIN_S

    @property
    def results_timeout_s(self) -> int:
        """Timeout of results: its budget (`results.fetch.BUDGET_S`), a wait for a slot, one last attempt."""
        return math.ceil(self.result.timeout_s) + MARGIN_S + TURN_PATIENCE_S

    @property
    def reconciler_timeout_s(self) -> int:
        """Timeout of the reconciler: a batch of checks, each a wait for a slot and one attempt."""
        attempt_s = TURN_PATIENCE_S + (self.poll.timeout_s if self.poll else 0)
        return math.ceil(CHECK_BATCH_SIZE * attempt_s) + MARGIN_S

    @property
    def caller_timeout_s(self) -> int:
        """Timeout of the caller: its budget (`caller.submit.BUDGET_S`), a wait for a slot, a last submit or lookup."""
        return math.ceil(self.submit.longest_timeout_s) + MARGIN_S + TURN_PATIENCE_S

    @property
    def dispatcher_timeout_s(self) -> int:
        """Timeout of the dispatcher: a whole batch at the contract's own pace, or at the operator's longest delay where
        that is the pacing; 900 s is Lambda's own limit, and a reason to drain by schedule below it.
        """
        pace_s = self.dispatch.dispatchers_count / self.lasting_rps()
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


def _limits_of(limits: tuple[Limit, ...], scope: Scope) -> tuple[Limit, ...]:
    return tuple(limit for limit in limits if scope is Scope.ANY or limit.scope in (scope, Scope.ANY))


def _max_rps(limits: tuple[Limit, ...], scope: Scope) -> float:
    return min((limit.rate_per_s for limit in _limits_of(limits, scope)), default=math.inf)
