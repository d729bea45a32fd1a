"""How long each part of a call may take: the numbers that must agree with one another, each computed in one place."""

import math
from dataclasses import dataclass
from typing import Final

from headway_lane.contract.exchange import Poll, Result, Submit
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

CHECK_BATCH_SIZE: Final = 5
"""Checks that one invocation makes in a row."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a call may wait before (`tolerated_s`) and after (`answer_s`) the vendor has it, in seconds."""

    tolerated_s: int
    answer_s: int


@dataclass(frozen=True, slots=True)
class Timing(Rates):
    """What a contract says of times, and the timeouts, heartbeat and soft limits that follow from it."""

    submit: Submit
    result: Result
    poll: Poll | None
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
    @formula("ceil(check_batch_size x (patience_s + poll_timeout_s)) + margin_s", note="where the contract has `poll`")
    def checks_timeout_s(self) -> int:
        """How long a batch of checks may take: each a wait for a slot and one attempt."""
        attempt_s = TURN_PATIENCE_S + (self.poll.timeout_s if self.poll else 0)
        return math.ceil(CHECK_BATCH_SIZE * attempt_s) + MARGIN_S

    @property
    @formula("ceil(result_timeout_s) + margin_s + patience_s", when="not poll")
    @formula("max(ceil(result_timeout_s) + margin_s + patience_s, checks_timeout_s)", when="poll")
    def results_timeout_s(self) -> int:
        """Timeout of results: its budget (`results.fetch.BUDGET_S`), a wait for a slot, one last attempt; and where the
        vendor is polled, a batch of checks.
        """
        result_s = math.ceil(self.result.timeout_s) + MARGIN_S + TURN_PATIENCE_S
        return max(result_s, self.checks_timeout_s) if self.poll else result_s

    @property
    @formula("results_timeout_s + margin_s", note="TimeoutSeconds of the task that invokes results")
    def results_task_timeout_s(self) -> int:
        """TimeoutSeconds of the task that invokes results: longer than the function may run, so that a retry never
        meets the invocation before it.
        """
        return self.results_timeout_s + MARGIN_S

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
        return min(900, math.ceil(self.dispatch.batch_size * pace_s) + MARGIN_S)

    @property
    @formula("6 x dispatcher_timeout_s + batching_window_s")
    def request_visibility_s(self) -> int:
        """Visibility timeout of the request queue: six times the dispatcher's timeout, as Lambda's documentation
        advises for event source mappings, and the batching window.
        """
        return 6 * self.dispatcher_timeout_s + self.dispatch.batching_window_s

    @property
    @formula("call_timeout_s + 4 x (results_task_timeout_s + margin_s)")
    def workflow_timeout_s(self) -> int:
        """TimeoutSeconds of a `call_vendor` execution: the callback task, then results with their retries."""
        return self.call_timeout_s + 4 * (self.results_task_timeout_s + MARGIN_S)

    @property
    @formula("2 x workflow_timeout_s + 7 x 24 x 3600", note="of the ledger")
    def record_ttl_s(self) -> int:
        """How long a ledger record stays: twice the longest workflow, and a week to look at what went wrong."""
        return 2 * self.workflow_timeout_s + 7 * 24 * 3600
