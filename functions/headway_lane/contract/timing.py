"""How long each part of a call may take: the numbers that must agree with one another, each computed in one place."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headway_lane.contract.dispatch import LEAST_CONCURRENCY
from headway_lane.contract.exchange import Cancel, Poll, Result, Submit
from headway_lane.contract.formula import formula
from headway_lane.contract.rates import Rates

MARGIN_S: Final = 30
"""Slack between two timeouts where the inner one has to end first: cold starts and the queue's own latency."""

SETTLE_TIMEOUT_S: Final = 15
"""Timeout of the functions that only write to the ledger and to Step Functions."""

SETTLE_TASK_TIMEOUT_S: Final = SETTLE_TIMEOUT_S + MARGIN_S
"""TimeoutSeconds of the states that invoke them. Step Functions counts the cold start, Lambda does not: were both
equal, a retry would begin while the first invocation runs.
"""

TURN_PATIENCE_S: Final = 10
"""The longest that a running function waits for its slot; what is further away goes back to the queue."""

LONGEST_DELAY_S: Final = 5
"""Maximum of `delay_ms` in `tuning.schema.json`, in seconds."""

EXPRESS_TIMEOUT_S: Final = 300
"""The longest that Step Functions lets an Express workflow run (service quotas)."""

RESULT_PATIENCE_S: Final = 3_600
"""How long a result may be waited for where the contract says nothing: longer than most outages."""

LONGEST_REQUEUE_S: Final = 900
"""The longest DelaySeconds that SQS takes (API reference)."""

MAX_RECEIVE_COUNT: Final = 3
"""How often a queue hands a message out before it becomes a dead letter."""

VISIBILITY_TIMES: Final = 6
"""Visibility timeout over the function's own, at least (Lambda developer guide, SQS event source mappings)."""

LONGEST_FUNCTION_S: Final = 900
"""The longest that Lambda lets a function run (Lambda quotas)."""

CONCURRENCY_LIMIT: Final = 1_000
"""The largest maximum concurrency of an event source mapping (Lambda developer guide)."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a call may wait before (`tolerated_s`) and after (`answer_s`) the vendor has it, and how long its result
    may be waited for when the job has ended (`result_s`), in seconds.
    """

    tolerated_s: int
    answer_s: int
    result_s: int


def waits_from_document(document: Mapping[str, Any]) -> Waits:
    """Read the part `waits` of a contract document."""
    return Waits(document["tolerated_s"], document["answer_s"], document.get("result_s", RESULT_PATIENCE_S))


@dataclass(frozen=True, slots=True)
class Timing(Rates):
    """What a contract says of times, and the timeouts, heartbeat and soft limits that follow from it."""

    submit: Submit
    result: Result
    poll: Poll | None
    cancel: Cancel | None
    waits: Waits

    @property
    @formula("floor(max_rps x tolerated_s)", when="not shares", note="an alarm where more calls wait in the queue")
    @formula("floor(lasting_rps x tolerated_s)", when="shares", note="an alarm where more calls wait in the queue")
    def soft_limit_count(self) -> int:
        """Queue depth above which a new call would wait longer than tolerated: `lasting_rps x tolerated wait`."""
        return math.floor(self.lasting_rps * self.waits.tolerated_s)

    @property
    @formula(
        "floor(soft_limit_count x urgent_concurrency / dispatchers_count)",
        note="an alarm where more urgent calls wait; 0 without an urgent queue",
    )
    def urgent_limit_count(self) -> int:
        """The same for urgent calls, whose dispatchers get their share of the slots while the others are busy too."""
        return self.soft_limit_count * self.dispatch.urgent_concurrency // self.dispatch.dispatchers_count

    @property
    @formula(
        "max(tolerated_s, answer_s) + margin_s",
        when="not dispatch.direct",
        note="HeartbeatSeconds of the callback task",
    )
    @formula("tolerated_s + answer_s + margin_s", when="dispatch.direct", note="HeartbeatSeconds of the callback task")
    def call_heartbeat_s(self) -> int:
        """HeartbeatSeconds of the callback task. The clock restarts when the vendor accepts and at every progress
        event, so the longest silence is the longer of the two waits; the direct way has no function that could say
        that the vendor accepted, so there it is both.
        """
        waits_s = (self.waits.tolerated_s, self.waits.answer_s)
        return (sum(waits_s) if self.dispatch.direct else max(waits_s)) + MARGIN_S

    @property
    @formula("tolerated_s + answer_s + 2 x margin_s", note="TimeoutSeconds of the callback task")
    def call_timeout_s(self) -> int:
        """TimeoutSeconds of the callback task: both waits, one after the other; always above the heartbeat."""
        return self.waits.tolerated_s + self.waits.answer_s + 2 * MARGIN_S

    @property
    @formula(
        "call_timeout_s + margin_s",
        note="of an in-flight permit that nobody gave back, where jobs in flight are limited",
    )
    def in_flight_expiry_s(self) -> int:
        """How long a job's in-flight permit lasts where nobody gives it back: longer than its task, which ends by its
        timeout.
        """
        return self.call_timeout_s + MARGIN_S

    @property
    @formula(
        "ceil(max(result_timeout_s, poll_timeout_s, cancel_timeout_s)) + margin_s + patience_s",
        note="it gets a result, checks or cancels",
    )
    def results_timeout_s(self) -> int:
        """Timeout of results, which takes one message: a wait for a slot, and one attempt to get a result, to check or
        to cancel.
        """
        asked_s = [part.timeout_s for part in (self.poll, self.cancel) if part]
        return math.ceil(max([self.result.timeout_s, *asked_s])) + MARGIN_S + TURN_PATIENCE_S

    @property
    @formula("visibility_times x results_timeout_s")
    def results_visibility_s(self) -> int:
        """Visibility timeout of the results queue."""
        return VISIBILITY_TIMES * self.results_timeout_s

    @property
    @formula("min(concurrency_limit, max(least_concurrency, ceil(lasting_rps x max(result_timeout_s, 1))))")
    def results_concurrency(self) -> int:
        """Results functions that may run at one time: as many as fetch all results of a lane at its pace, where each
        takes as long as the contract lets the vendor take, or a second where nobody is asked.
        """
        needed = math.ceil(self.lasting_rps * max(self.result.timeout_s, 1))
        return min(CONCURRENCY_LIMIT, max(LEAST_CONCURRENCY, needed))

    @property
    @formula(
        "min(result_s, longest_requeue_s + max_receive_count x results_visibility_s + margin_s)",
        note="HeartbeatSeconds of the task that waits for a result",
    )
    def fetch_heartbeat_s(self) -> int:
        """HeartbeatSeconds of the task that waits for a result. The clock restarts whenever its message is requeued, so
        the longest silence is the longest requeue, and all receives of a message that broke off each time.
        """
        silence_s = LONGEST_REQUEUE_S + MAX_RECEIVE_COUNT * self.results_visibility_s + MARGIN_S
        return min(self.waits.result_s, silence_s)

    @property
    @formula("result_s + margin_s", note="TimeoutSeconds of the task that waits for a result")
    def fetch_timeout_s(self) -> int:
        """TimeoutSeconds of the task that waits for a result; always above the heartbeat."""
        return self.waits.result_s + MARGIN_S

    @property
    @formula(
        "ceil(max(submit_timeout_s, lookup_timeout_s)) + margin_s + patience_s",
        note="an attempt submits, or looks a job up where the contract has `lookup`",
    )
    def caller_timeout_s(self) -> int:
        """Timeout of the caller: its budget (`caller.submit.BUDGET_S`), a wait for a slot, a last submit or lookup."""
        return math.ceil(self.submit.longest_timeout_s) + MARGIN_S + TURN_PATIENCE_S

    @property
    @formula("caller_timeout_s + margin_s", note="TimeoutSeconds of the task that invokes the caller")
    def caller_task_timeout_s(self) -> int:
        """TimeoutSeconds of the task that invokes the caller: longer than the function may run. A retry has the same
        lease owner, and would take a call that is still being made for one that broke off.
        """
        return self.caller_timeout_s + MARGIN_S

    @property
    @formula(
        "min(900, ceil(batch_size x (dispatchers_count / max_rps)) + margin_s)",
        when="dispatch.by_permits and not shares",
    )
    @formula(
        "min(900, ceil(batch_size x (dispatchers_count / lasting_rps)) + margin_s)",
        when="dispatch.by_permits and shares",
    )
    @formula(
        "min(900, ceil(batch_size x max(dispatchers_count / max_rps, longest_delay_s)) + margin_s)",
        when="not dispatch.by_permits",
    )
    def dispatcher_timeout_s(self) -> int:
        """Timeout of the dispatcher: a whole batch at the contract's own pace, or at the operator's longest delay where
        that is the pacing; 900 s is Lambda's own limit, and a reason to drain by schedule below it.
        """
        pace_s = self.dispatch.dispatchers_count / self.lasting_rps
        if not self.dispatch.by_permits:
            pace_s = max(pace_s, LONGEST_DELAY_S)
        return min(LONGEST_FUNCTION_S, math.ceil(self.dispatch.batch_size * pace_s) + MARGIN_S)

    def most_in_a_batch(self) -> int:
        """Return how many calls a dispatcher brings to an end at the contract's own pace, with all dispatchers at work,
        before Lambda ends it.
        """
        rest_s = LONGEST_FUNCTION_S - MARGIN_S
        return math.floor(rest_s * self.lasting_rps / self.dispatch.dispatchers_count)

    @property
    @formula("6 x dispatcher_timeout_s + batching_window_s")
    def request_visibility_s(self) -> int:
        """Visibility timeout of the request queue: six times the dispatcher's timeout, as Lambda's documentation
        advises for event source mappings, and the batching window.
        """
        return 6 * self.dispatcher_timeout_s + self.dispatch.batching_window_s

    @property
    @formula("call_timeout_s + fetch_timeout_s + margin_s")
    def workflow_timeout_s(self) -> int:
        """TimeoutSeconds of a `call_vendor` execution: both its tasks, one after the other."""
        return self.call_timeout_s + self.fetch_timeout_s + MARGIN_S

    @property
    @formula("2 x workflow_timeout_s + 7 x 24 x 3600", note="of the ledger")
    def record_ttl_s(self) -> int:
        """How long a ledger record stays: twice the longest workflow, and a week to look at what went wrong."""
        return 2 * self.workflow_timeout_s + 7 * 24 * 3600
