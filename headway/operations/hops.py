"""The hops of a call, each with its time, from what was written down of it: pure.

In: a call's records, the events of its executions, lines of the functions' logs. Out: Hops, the oldest first. The
ledger keeps the last time of each state; what a call went through twice is in the logs and in its executions.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from headway_lane.ledger.record import CallAttribute, CallState, JobAttribute, since_attribute

from headway.operations.calls import KnownCall


class Source(StrEnum):
    """Who has written a hop down."""

    EXECUTION = "execution"
    LEDGER = "ledger"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Hop:
    """One thing that happened to a call; `told` is more about it."""

    at_epoch_ms: int
    hop: str
    told: str
    source: Source


STANDING: Final[Mapping[CallState | None, str]] = {
    None: "it waits in its request queue, or has not been asked for yet",
    CallState.QUEUED: "it waits in its request queue for its turn",
    CallState.DISPATCHING: "its caller waits for its slot",
    CallState.SENDING: "it is being sent, or nobody knows whether the vendor has it",
    CallState.ACCEPTED: "the vendor works on it, and its task waits for the answer",
    CallState.ANSWERED: "the answer is here, and its task is being told",
    CallState.RESUMED: "done: its task has the answer",
    CallState.REJECTED: "failed: its task has the error",
    CallState.LATE: "late: the answer came when its task had ended",
    CallState.EXPIRED: "dropped: its task had ended before the vendor was called",
    CallState.CANCELLED: "called off: its execution was stopped",
}
_LEDGER_HOPS: Final[Mapping[CallState, str]] = {
    CallState.QUEUED: "taken from its queue",
    CallState.DISPATCHING: "begun by a caller",
    CallState.SENDING: "sent to the vendor",
    CallState.ACCEPTED: "accepted by the vendor",
    CallState.ANSWERED: "answer matched",
    CallState.RESUMED: "task resumed",
    CallState.REJECTED: "rejected",
    CallState.LATE: "answer came late",
    CallState.EXPIRED: "dropped",
    CallState.CANCELLED: "called off",
}
_EVENT_HOPS: Final[Mapping[str, str]] = {
    "ExecutionStarted": "execution started",
    "TaskScheduled": "asked for",
    "TaskSubmitted": "in its queue",
    "TaskSubmitFailed": "could not be put into its queue",
    "TaskSucceeded": "task has ended well",
    "TaskFailed": "task has failed",
    "TaskTimedOut": "task has timed out",
    "ExecutionRedriven": "execution redriven",
    "ExecutionSucceeded": "execution succeeded",
    "ExecutionFailed": "execution failed",
    "ExecutionTimedOut": "execution timed out",
    "ExecutionAborted": "execution stopped",
}
_OWN_KEYS: Final = frozenset({"level", "location", "message", "timestamp", "service", "xray_trace_id", "call_id"})
"""Of a log line: what every line has, or what is known of this one."""


def ordered(hops: Iterable[Hop]) -> list[Hop]:
    """Return hops in the order of their times."""
    return sorted(hops, key=lambda hop: hop.at_epoch_ms)


def ledger_hops(call: KnownCall) -> Iterator[Hop]:
    """Yield what the ledger says of a call, and of its job's answer."""
    record = call.record
    for state, name in _LEDGER_HOPS.items():
        at = record.get(since_attribute(state))
        if at is not None:
            yield Hop(int(at), name, _told_by_ledger(record, state), Source.LEDGER)
    answered = call.job.get(JobAttribute.ANSWERED_EPOCH_MS)
    if answered is not None:
        status = json.loads(str(call.job[JobAttribute.ANSWER]))["status"]
        told = f"job {record.get(CallAttribute.JOB_ID)} is {status}"
        yield Hop(int(answered), "answer came", told, Source.LEDGER)


def _told_by_ledger(record: Mapping[str, Any], state: CallState) -> str:
    if state is CallState.ACCEPTED:
        return f"job {record.get(CallAttribute.JOB_ID)}"
    if state is not CallState(record[CallAttribute.STATE]):
        return ""
    said = (str(record[name]) for name in (CallAttribute.ERROR, CallAttribute.CAUSE) if name in record)
    told = ": ".join(said)
    return told or ("nobody knows whether the vendor has it" if record.get(CallAttribute.DOUBTFUL) else "")


def execution_hops(name: str, events: Sequence[Mapping[str, Any]], step: str | None) -> Iterator[Hop]:
    """Yield what an execution did, as far as it concerns `step`: a state, and perhaps the item of its Map. None: all
    of it.
    """
    state, _, item = (step or "").partition("/")
    by_id = {event["id"]: place for place, event in enumerate(events)}
    for place, event in enumerate(events):
        hop = _EVENT_HOPS.get(event["type"])
        if hop is None:
            continue
        entered, index = ("", None)
        if not event["type"].startswith("Execution"):
            entered, index = _where(events, by_id, place)
            if step is not None and (entered != state or (item.isdigit() and index not in (None, int(item)))):
                continue
        where = f"{name} {entered}".strip()
        told = ": ".join(filter(None, (where, _error_of(event))))
        yield Hop(_epoch_ms(event["timestamp"]), hop, told, Source.EXECUTION)


def _where(events: Sequence[Mapping[str, Any]], by_id: Mapping[int, int], place: int) -> tuple[str, int | None]:
    """Return the state that an event belongs to, and the item of a Map that it is in, by the events before it."""
    state, before = "", place
    while before is not None and before >= 0:
        event = events[before]
        if not state and "stateEnteredEventDetails" in event:
            state = event["stateEnteredEventDetails"]["name"]
        if "mapIterationStartedEventDetails" in event:
            return state, event["mapIterationStartedEventDetails"]["index"]
        previous = event.get("previousEventId")
        if previous is None and state:
            break
        before = before - 1 if previous is None else by_id.get(previous, -1)
    return state, None


def _error_of(event: Mapping[str, Any]) -> str:
    for name, details in event.items():
        if name.endswith("EventDetails") and isinstance(details, Mapping) and "error" in details:
            return str(details["error"])
    return ""


def log_hop(text: str, at_epoch_ms: int) -> Hop | None:
    """Read a line of a function's log; its own time counts, where it has one. None where it is no line of ours."""
    try:
        line = json.loads(text)
        hop = str(line["message"])
    except (ValueError, KeyError, TypeError):
        return None
    said = [f"{name}={_text(value)}" for name, value in line.items() if name not in _OWN_KEYS and value is not None]
    return Hop(_line_epoch_ms(line.get("timestamp")) or at_epoch_ms, hop, ", ".join(said), Source.LOG)


def _line_epoch_ms(text: Any) -> int | None:
    """Read the time of a line as Powertools writes it: `2026-12-01 03:30:43,123+0000`."""
    try:
        return _epoch_ms(datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S,%f%z"))
    except ValueError:
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _epoch_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)
