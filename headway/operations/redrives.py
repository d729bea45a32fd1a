"""A redrive of dead letters: each goes back to where its work goes on, through the lane's queues and so at its pace.

| dead letter | what happens |
|---|---|
| a call that failed for good | its execution is redriven: the same call, which takes what the vendor has |
| a request whose task waits | it goes to its queue again, and its task waits anew |
| a request whose task has ended | its execution is redriven, which asks anew |
| an errand | it goes to the results queue again |
| a callback | it goes to the callback queue again, with the moment of its first arrival |

A dead letter is deleted behind its step. Whoever is killed between the two leaves one whose step has been done, and the
next redrive does not do it again: an execution that was redriven since the dead letter was sent is known by its date,
and the ledger and the inbox take what comes twice once.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from headway_cdk.published import PublishedLane
from headway_lane.messages import json_text
from headway_lane.messages.envelope import (
    CALLBACK_HEADERS_ATTRIBUTE,
    CALLBACK_RECEIVED_ATTRIBUTE,
    CALLBACK_VENDOR_ATTRIBUTE,
)
from headway_lane.messages.origin import Origin
from headway_lane.messages.waiter import WaiterKind, waiter_in
from headway_lane.resume.durable_callback import DurableCallbacks
from headway_lane.resume.task_token import TaskTokens
from headway_lane.resume.waiters import EveryKind, Waiters
from headway_lane.runtime.formats import FORMAT_VERSION

from headway.deployment.connection import Connection
from headway.deployment.queues import QueueAttribute, message_count
from headway.operations.attempts import attempts_at
from headway.operations.dead_letters import DeadKind, DeadLetter, Wanted, stepped
from headway.operations.held_messages import HeldMessages

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

LOOK_S: Final = 1.0
"""How often a full queue is looked at again."""
RAMP_COUNT: Final = 20
"""Dead letters that go back between two looks at the queue, at most."""
SOURCE_ATTRIBUTE: Final = "DeadLetterQueueSourceArn"
"""The system attribute that says from which queue SQS itself has moved a dead letter (API reference,
ReceiveMessage)."""


class RedriveOutcome(StrEnum):
    """What became of a dead letter; all but LEFT are gone from the DLQ."""

    SENT = "sent"
    """It is in its queue again."""
    RESTARTED = "restarted"
    """Its execution goes on."""
    DONE = "done before"
    """An earlier redrive was broken off behind it."""
    LEFT = "left"
    """It cannot go on; it stays, with the reason."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """A dead letter, and what became of it; `reason` is there where it was left."""

    dead: DeadLetter
    outcome: RedriveOutcome
    reason: str = ""


class Gate:
    """Lets no more through than wait in a queue within the soft limit: a backlog waits in the DLQ, where no heartbeat
    counts.
    """

    def __init__(
        self, waiting_count: Callable[[], int], limit_count: int | None, sleep_s: Callable[[float], None]
    ) -> None:
        self._waiting_count = waiting_count
        self._limit_count = limit_count
        self._sleep_s = sleep_s
        self._left_count = 0

    def wait(self) -> None:
        """Wait for room for one more."""
        if self._limit_count is None:
            return
        while self._left_count == 0:
            room_count = self._limit_count - self._waiting_count()
            self._left_count = max(0, min(RAMP_COUNT, room_count))
            if self._left_count == 0:
                self._sleep_s(LOOK_S)
        self._left_count -= 1


class Redriver:
    """Redrives the dead letters of one lane."""

    def __init__(
        self, sqs: "SQSClient", step_functions: "SFNClient", waiters: Waiters, lane: PublishedLane, gate: Gate
    ) -> None:
        self._sqs = sqs
        self._states = step_functions
        self._waiters = waiters
        self._lane = lane
        self._gate = gate

    def redrive(self, dead: DeadLetter) -> Redriven:
        """Let the work of a dead letter go on; may be repeated."""
        match dead.kind:
            case DeadKind.CALL:
                return self._restart(dead)
            case DeadKind.REQUEST:
                return self._ask_again(dead)
            case DeadKind.ERRAND:
                self._send(self._lane.results_queue_url, dead)
                return Redriven(dead, RedriveOutcome.SENT)
            case DeadKind.CALLBACK:
                self._replay(dead)
                return Redriven(dead, RedriveOutcome.SENT)
            case DeadKind.UNREADABLE:
                return Redriven(dead, RedriveOutcome.LEFT, dead.cause)

    def _ask_again(self, dead: DeadLetter) -> Redriven:
        """Send a request whose task waits; its task hears of it, and waits anew."""
        self._gate.wait()
        if not self._waiters.beat(waiter_in(json_text.read(dead.body))):
            return self._restart(dead)
        url = self._source_url(dead)
        self._send(url, dead, **Origin.of_message(url, dead.message).group_argument)
        return Redriven(dead, RedriveOutcome.SENT)

    def _restart(self, dead: DeadLetter) -> Redriven:
        """Redrive the last execution that asked for a call, if nobody has done so since the dead letter was sent."""
        attempts = list(attempts_at(self._states, dead.execution)) if dead.execution else []
        if not attempts:
            return Redriven(dead, RedriveOutcome.LEFT, "Step Functions does not know its execution any more")
        found = attempts[-1]
        date = found.get("redriveDate")
        if date is not None and date.timestamp() > dead.since_epoch_s:
            return Redriven(dead, RedriveOutcome.DONE)
        if found["status"] in ("RUNNING", "SUCCEEDED"):
            told = "runs on" if found["status"] == "RUNNING" else "has succeeded"
            return Redriven(dead, RedriveOutcome.LEFT, f"its execution {told} without it")
        self._gate.wait()
        try:
            self._states.redrive_execution(executionArn=found["executionArn"], clientToken=dead.message_id)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionNotRedrivable":
                raise
            return Redriven(dead, RedriveOutcome.LEFT, error.response["Error"]["Message"])
        return Redriven(dead, RedriveOutcome.RESTARTED)

    def _source_url(self, dead: DeadLetter) -> str:
        """Return the request queue that a dead letter came from; the usual one where nobody says so."""
        name = dead.message["Attributes"].get(SOURCE_ATTRIBUTE, "").rpartition(":")[2]
        urls = self._lane.request_queue_urls
        return next((url for url in urls if url.rpartition("/")[2] == name), self._lane.request_queue_url)

    def _replay(self, dead: DeadLetter) -> None:
        said = dead.attributes
        attributes = {
            **{name: value for name, value in said.items() if name == FORMAT_VERSION},
            CALLBACK_VENDOR_ATTRIBUTE: said.get(CALLBACK_VENDOR_ATTRIBUTE, dead.vendor),
            CALLBACK_HEADERS_ATTRIBUTE: said.get(CALLBACK_HEADERS_ATTRIBUTE) or "\n",
            CALLBACK_RECEIVED_ATTRIBUTE: str(dead.since_epoch_s),
        }
        written = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        self._send(str(self._lane.callback_queue_url), dead, MessageAttributes=written)

    def _send(self, url: str, dead: DeadLetter, **more: Any) -> None:
        self._sqs.send_message(QueueUrl=url, MessageBody=dead.message["Body"], **more)


def redrive(
    connection: Connection,
    wanted: Wanted,
    now_s: float,
    limits: Callable[[str], int | None],
    sleep_s: Callable[[float], None] = time.sleep,
) -> Iterator[Redriven]:
    """Redrive dead letters one by one and yield what becomes of each; `limits` knows a vendor's soft limit.

    Those that are put aside later than `now_s`, an epoch second, are for the next redrive.
    """
    sqs, states = connection.target.client("sqs"), connection.target.client("stepfunctions")
    durable = DurableCallbacks(lambda: connection.target.client("lambda"))
    waiters = EveryKind({WaiterKind.TASK_TOKEN: TaskTokens(states), WaiterKind.CALLBACK_ID: durable})
    redrivers: dict[str, Redriver] = {}

    def step(lane: PublishedLane, held: HeldMessages, dead: DeadLetter) -> Redriven:
        if dead.vendor not in redrivers:
            gate = Gate(lambda: _waiting_count(connection, lane), limits(dead.vendor), sleep_s)
            redrivers[dead.vendor] = Redriver(sqs, states, waiters, lane, gate)
        redriven = redrivers[dead.vendor].redrive(dead)
        if redriven.outcome is not RedriveOutcome.LEFT:
            held.delete(dead.message)
        return redriven

    yield from stepped(connection, replace(wanted, until_epoch_s=now_s), now_s, step)


def _waiting_count(connection: Connection, lane: PublishedLane) -> int:
    """Count what waits in a lane's request queues, taken or not."""
    return sum(
        message_count(connection, url, QueueAttribute.WAITING, QueueAttribute.DELAYED, QueueAttribute.IN_FLIGHT)
        for url in lane.request_queue_urls
    )
