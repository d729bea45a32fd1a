"""One call between its start and its end: what is known of it, and when to ask again."""

from dataclasses import dataclass
from typing import Final

from botocore.exceptions import ClientError
from headway_lane.ledger.record import CallState

from headway.run.executions import Execution, Started, code
from headway.run.ledger_watch import FINAL_STATES, CallSight
from headway.run.results import FINISHED, STARTED, LineOutcome, Record
from headway.run.worklist import LineAttempt

QUEUED_READ_S: Final = 2.0
"""A waiting call stands so far behind one that moves, where there are too many to read at once."""
ENDING_WAIT_S: Final = (0.5, 60.0)
"""First and longest wait between two descriptions of an execution whose call has reached a final state; its result may
wait for long.
"""
SILENT_WAIT_S: Final = (15.0, 300.0)
"""The same where the ledger says nothing new: the task failed before it, or timed out."""
_GONE: Final = "Step Functions does not know this execution any more: its state machine or its cloud was made anew"


@dataclass(slots=True)
class OpenCall:
    """An attempt whose execution goes on; `_due_s` are readings of the run's clock: whoever is earliest comes first."""

    attempt: LineAttempt
    started: Started
    call_id: str
    read_due_s: float
    describe_due_s: float
    describe_wait_s: float = SILENT_WAIT_S[0]
    sight: CallSight | None = None

    @property
    def in_ledger(self) -> tuple[str, str]:
        """Where the ledger has it: vendor and call ID."""
        return self.attempt.line.vendor, self.call_id

    @property
    def ending(self) -> bool:
        """Whether the call has reached a final state, so that its execution is about to end."""
        return self.sight is not None and self.sight.state in FINAL_STATES

    def see(self, sight: CallSight, now_s: float) -> None:
        """Take in what the ledger says; a change of state sets anew when Step Functions is asked."""
        if self.sight is None or sight.state is not self.sight.state:
            first_wait_s = ENDING_WAIT_S[0] if sight.state in FINAL_STATES else SILENT_WAIT_S[0]
            self.describe_wait_s = first_wait_s
            self.describe_due_s = now_s if sight.state in FINAL_STATES else now_s + first_wait_s
        self.sight = sight
        self.read_due_s = now_s + (QUEUED_READ_S if sight.state is CallState.QUEUED else 0.0)

    def postpone(self, now_s: float) -> None:
        """Ask Step Functions later, and each time after twice as long."""
        self.describe_due_s = now_s + self.describe_wait_s
        longest_s = ENDING_WAIT_S[1] if self.ending else SILENT_WAIT_S[1]
        self.describe_wait_s = min(2 * self.describe_wait_s, longest_s)

    @property
    def place(self) -> str:
        """Where the call is, as the person at the terminal counts it."""
        if self.sight is None or self.sight.state is CallState.QUEUED:
            return "queued"
        return "answered" if self.sight.state in (CallState.ANSWERED, CallState.RESUMED) else "called"

    def record(self, execution: Execution | None) -> Record:
        """Say how a call ended; without an execution it is gone."""
        times = dict(self.sight.times) if self.sight else {}
        if execution is not None:
            times[STARTED] = execution.started_epoch_ms
        if execution is not None and execution.finished_epoch_ms is not None:
            times[FINISHED] = execution.finished_epoch_ms
        return Record(
            line=self.attempt.line.number,
            key=self.attempt.line.key,
            attempt=self.started.attempt,
            execution=self.started.arn,
            vendor=self.attempt.line.vendor,
            outcome=LineOutcome.SUCCEEDED if execution is not None and execution.succeeded else LineOutcome.FAILED,
            output=execution.output if execution else None,
            error=execution.error if execution else "Execution.Gone",
            cause=execution.cause if execution else _GONE,
            times=times,
        )


def never_started(attempt: LineAttempt, error: ClientError) -> Record:
    """Record an attempt that Step Functions refused to start."""
    return Record(
        line=attempt.line.number,
        key=attempt.line.key,
        attempt=attempt.number,
        execution=None,
        vendor=attempt.line.vendor,
        outcome=LineOutcome.FAILED,
        output=None,
        error=f"Start.{code(error)}",
        cause=str(error.response.get("Error", {}).get("Message", error)),
        times={},
    )
