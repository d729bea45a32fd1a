"""What became of an execution: its end, its way, its calls and their times."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from headway.testing.kit.interpreter import ExecutionOutcome
from headway.testing.kit.scripts import StateCall

ENTERED: Final = "stateEnteredEventDetails"
EXITED: Final = "stateExitedEventDetails"


@dataclass(frozen=True, slots=True)
class Visit:
    """A state that was entered: seconds from the start, and with what input."""

    at_s: float
    state: str
    input: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """An execution that has ended, or waits for ever (`RUNNING`).

    `states` is the way that it took, in the order of time, branches of a Parallel or Map state among it; `inputs` and
    `outputs` are the last ones of each state. `calls` is what its states asked for, those of machines that it started
    among them. Times are virtual seconds from its start.
    """

    status: str
    output: Any
    error: str | None
    cause: str | None
    took_s: float
    visits: Sequence[Visit] = field(repr=False)
    outputs: Mapping[str, Any] = field(repr=False)
    calls: Sequence[StateCall] = field(repr=False)

    @property
    def states(self) -> list[str]:
        """The names of the states in the order in which they were entered."""
        return [visit.state for visit in self.visits]

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What each state was given, the last time."""
        return {visit.state: visit.input for visit in self.visits}


def run_of(outcome: ExecutionOutcome, history: Sequence[Mapping[str, Any]], calls: Sequence[StateCall]) -> WorkflowRun:
    """Read an execution's history, in the form of GetExecutionHistory."""
    times = [_epoch_s(event["timestamp"]) for event in history]
    start_s = times[0]
    entered = [
        Visit(round(at_s - start_s, 3), event[ENTERED]["name"], json.loads(event[ENTERED]["input"]))
        for at_s, event in zip(times, history, strict=True)
        if ENTERED in event
    ]
    return WorkflowRun(
        status=outcome.status,
        output=outcome.output,
        error=outcome.error,
        cause=outcome.cause,
        took_s=round(_epoch_s(outcome.stopped or history[-1]["timestamp"]) - start_s, 3),
        visits=entered,
        outputs=dict(_outputs(history)),
        calls=list(calls),
    )


def _outputs(history: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    for event in history:
        if EXITED in event:
            yield event[EXITED]["name"], json.loads(event[EXITED]["output"])


def _epoch_s(moment: Any) -> float:
    """Return an event's time: ministack writes ISO 8601, moto a datetime."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return float(moment.timestamp())
