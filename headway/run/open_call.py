"""One call between its start and its end: what is known of it, and when to ask again."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from botocore.exceptions import ClientError
from headway_lane.ledger.record import UNACCEPTED, CallState

from headway.run.executions import Execution, Started, code
from headway.run.ledger_watch import FINAL_STATES, CallSight
from headway.run.lines import BadLine
from headway.run.results import FINISHED, STARTED, LineOutcome, Record
from headway.run.room import QueueName
from headway.run.worklist import Todo

READ_WAIT_S: Final = (0.5, 15.0)
"""First and longest wait between two reads of a call whose state does not change."""
WAITING_READ_S: Final = 5.0
"""The longest where the vendor does not have the call yet: it makes room for others."""
ENDING_WAIT_S: Final = (0.5, 60.0)
"""First and longest wait between two descriptions of an execution whose call has reached a final state; its result may
wait for long.
"""
SILENT_WAIT_S: Final = (15.0, 300.0)
"""The same where the ledger says nothing new: the task failed before it, or timed out."""
_WAITING: Final = frozenset(UNACCEPTED)
_GONE: Final = "Step Functions does not know this execution any more: its state machine or its cloud was made anew"


class CallPlace(StrEnum):
    """Where a call is, as the person at the terminal counts it."""

    QUEUED = "queued"
    CALLED = "called"
    ANSWERED = "answered"


@dataclass(slots=True)
class OpenCall:
    """An attempt whose execution goes on. `adopted`: an earlier run has started it; `elsewhere`: the ledger does not
    know it, and no queue holds it.
    """

    todo: Todo
    started: Started
    call_id: str
    began_s: float
    adopted: bool
    elsewhere: bool = False
    read_wait_s: float = READ_WAIT_S[0]
    describe_wait_s: float = SILENT_WAIT_S[0]
    sight: CallSight | None = None

    @property
    def queue(self) -> QueueName:
        """Which queue its request went to."""
        return QueueName(self.todo.vendor, self.todo.urgent)

    @property
    def in_ledger(self) -> tuple[str, str]:
        """Where the ledger has it: vendor and call ID."""
        return self.todo.vendor, self.call_id

    @property
    def ending(self) -> bool:
        """Whether the call has reached a final state, so that its execution is about to end."""
        return self.sight is not None and self.sight.state in FINAL_STATES

    @property
    def waiting(self) -> bool:
        """Whether it was started, and the vendor does not have it yet."""
        return not self.elsewhere if self.sight is None else self.sight.state in _WAITING

    @property
    def at_vendor(self) -> bool:
        """Whether the vendor works on it."""
        return self.sight is not None and self.sight.state is CallState.ACCEPTED

    def see(self, sight: CallSight) -> bool:
        """Take in what the ledger says; returns whether the state has changed."""
        changed = self.sight is None or sight.state is not self.sight.state
        self.sight = sight
        if changed:
            self.read_wait_s = READ_WAIT_S[0]
            self.describe_wait_s = (ENDING_WAIT_S if self.ending else SILENT_WAIT_S)[0]
        return changed

    def next_read_s(self) -> float:
        """Return after how long to read it again, each time twice as long."""
        wait_s = self.read_wait_s
        self.read_wait_s = min(2 * wait_s, WAITING_READ_S if self.waiting else READ_WAIT_S[1])
        return wait_s

    def next_describe_s(self) -> float:
        """Return after how long to ask Step Functions again, each time twice as long."""
        wait_s = self.describe_wait_s
        self.describe_wait_s = min(2 * wait_s, (ENDING_WAIT_S if self.ending else SILENT_WAIT_S)[1])
        return wait_s

    @property
    def place(self) -> CallPlace:
        """Where the call is, as the person at the terminal counts it."""
        if self.sight is None or self.sight.state is CallState.QUEUED:
            return CallPlace.QUEUED
        return CallPlace.ANSWERED if self.sight.state in (CallState.ANSWERED, CallState.RESUMED) else CallPlace.CALLED

    def record(self, execution: Execution | None) -> Record:
        """Say how a call ended; without an execution it is gone."""
        times = dict(self.sight.times) if self.sight else {}
        if execution is not None:
            times[STARTED] = execution.started_epoch_ms
        if execution is not None and execution.finished_epoch_ms is not None:
            times[FINISHED] = execution.finished_epoch_ms
        return Record(
            line=self.todo.number,
            key=self.todo.key,
            attempt=self.started.attempt,
            execution=self.started.arn,
            vendor=self.todo.vendor,
            outcome=LineOutcome.SUCCEEDED if execution is not None and execution.succeeded else LineOutcome.FAILED,
            output=execution.output if execution else None,
            error=execution.error if execution else "Execution.Gone",
            cause=execution.cause if execution else _GONE,
            times=times,
        )


def never_started(todo: Todo, error: ClientError) -> Record:
    """Record an attempt that Step Functions refused to start."""
    return Record(
        line=todo.number,
        key=todo.key,
        attempt=todo.attempt,
        execution=None,
        vendor=todo.vendor,
        outcome=LineOutcome.FAILED,
        output=None,
        error=f"Start.{code(error)}",
        cause=str(error.response.get("Error", {}).get("Message", error)),
        times={},
    )


def unusable(line: BadLine) -> Record:
    """Record a line that cannot be called."""
    return Record(
        line=line.number,
        key=line.key,
        attempt=None,
        execution=None,
        vendor=None,
        outcome=LineOutcome.INVALID,
        output=None,
        error="Input.Invalid",
        cause=line.reason,
        times={},
    )
