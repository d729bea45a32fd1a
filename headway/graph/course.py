"""The course that an execution took through its machine: which states, how long, how often, with which errors.

In: the events of an execution, as `GetExecutionHistory` returns them, and the machine. Out: a RunCourse. Which event
belongs to which state follows from `previousEventId`; where a history has none (the embedded
cloud's), from the event before.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from headway.graph.machine import EdgeKind, GraphEdge, MachineGraph

_TRIED: Final = frozenset({"TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled"})
_BROKEN: Final = frozenset({"MapIterationFailed", "ParallelStateFailed"})
_ENDED: Final[Mapping[str, str]] = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
    "ExecutionRedriven": "RUNNING",
}
_TIMED_OUT: Final = "States.Timeout"


class End(StrEnum):
    """How a state ended, in the order of what matters most to somebody who looks."""

    FAILED = "failed"
    STOPPED = "stopped"
    RUNNING = "running"
    CAUGHT = "caught"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class StateFailure:
    """An error with its cause, which is whatever its author wrote."""

    error: str
    cause: str = ""


@dataclass(slots=True)
class StateVisit:
    """One entry into a state; `left_s` is None while it has not been left. Times are seconds since the epoch."""

    state: str
    entered_s: float
    parent: "StateVisit | None" = None
    left_s: float | None = None
    attempt_count: int = 0
    failures: list[StateFailure] = field(default_factory=list)
    failed_last: bool = False
    end: End = End.RUNNING

    def is_inside(self, other: "StateVisit") -> bool:
        """Return whether the visit is of a state in the other one's Map or Parallel, at whatever depth."""
        around = self.parent
        while around and around is not other:
            around = around.parent
        return around is other


@dataclass(frozen=True, slots=True)
class RunCourse:
    """What an execution did: its visits by state in the order of entry, and how often it took each edge."""

    status: str
    started_s: float
    ended_s: float | None
    failure: StateFailure | None
    visits: Mapping[str, Sequence[StateVisit]]
    taken: Mapping[GraphEdge, int]

    def went_on(self, state: str) -> bool:
        """Return whether a state has ended at least once as it should."""
        return any(visit.end is End.DONE for visit in self.visits.get(state, ()))

    def end_of(self, state: str) -> End | None:
        """Return what is worth knowing most of a state's visits; None where it was not entered."""
        ends = {visit.end for visit in self.visits.get(state, ())}
        return next((end for end in End if end in ends), None)


def course(events: Iterable[Mapping[str, Any]], machine: MachineGraph) -> RunCourse:
    """Follow the events of one execution; their order does not matter."""
    reader = _Reader(machine)
    for event in sorted(events, key=lambda event: int(event["id"])):
        reader.read(event)
    return reader.course()


def seconds(timestamp: object) -> float:
    """Return an event's time as seconds since the epoch: botocore's is a datetime, a saved one ISO 8601 or a number."""
    if isinstance(timestamp, datetime):
        return timestamp.timestamp()
    if isinstance(timestamp, str):
        return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
    return float(timestamp)  # type: ignore[arg-type] # what else is no time is a ValueError or TypeError


class _Reader:
    """Reads events in their order."""

    def __init__(self, machine: MachineGraph) -> None:
        self._edges: dict[tuple[str, str], list[GraphEdge]] = defaultdict(list)
        for edge in machine.all_edges:
            self._edges[edge.source, edge.target].append(edge)
        self._visits: dict[str, list[StateVisit]] = defaultdict(list)
        self._visit_of: dict[int, StateVisit | None] = {0: None}
        self._taken: dict[GraphEdge, int] = defaultdict(int)
        self._status = "RUNNING"
        self._failure: StateFailure | None = None
        self._started_s = 0.0
        self._ended_s: float | None = None

    def read(self, event: Mapping[str, Any]) -> None:
        number, kind, now_s = int(event["id"]), str(event["type"]), seconds(event["timestamp"])
        visit = self._visit_of.get(int(event.get("previousEventId") or number - 1))
        details = _details(event)
        if kind == "ExecutionStarted":
            self._started_s = now_s
        elif kind in _ENDED:
            self._end(kind, details, visit, now_s)
        elif kind.endswith("StateEntered"):
            visit = self._entered(str(details["name"]), visit, now_s)
        elif kind.endswith("StateExited"):
            visit = self._left(str(details["name"]), visit, now_s)
        elif visit:
            _happened(visit, kind, details, now_s)
        self._visit_of[number] = visit

    def course(self) -> RunCourse:
        return RunCourse(
            self._status, self._started_s, self._ended_s, self._failure, dict(self._visits), dict(self._taken)
        )

    def _entered(self, name: str, before: StateVisit | None, now_s: float) -> StateVisit:
        """Find what led here: the visit before, or one around it, that has an edge to the state; else it is inside."""
        source, parent = before, before
        while source and (source.state, name) not in self._edges:
            source = source.parent
        if source:
            self._take(source, name, now_s)
            parent = source.parent
        elif before and before.end is not End.RUNNING:
            parent = before.parent
        made = StateVisit(name, now_s, parent)
        self._visits[name].append(made)
        return made

    def _take(self, source: StateVisit, name: str, now_s: float) -> None:
        edges = self._edges[source.state, name]
        wanted = [edge for edge in edges if (edge.kind is EdgeKind.CATCH) is source.failed_last]
        edge = (wanted or edges)[0]
        self._taken[edge] += 1
        if edge.kind is EdgeKind.CATCH:
            source.end = End.CAUGHT
        if source.left_s is None:  # not every engine writes that a state was left by its Catch
            source.left_s = now_s
            source.end = End.CAUGHT if edge.kind is EdgeKind.CATCH else End.DONE

    def _left(self, name: str, visit: StateVisit | None, now_s: float) -> StateVisit | None:
        while visit and (visit.state != name or visit.left_s is not None):
            visit = visit.parent
        if visit is None:
            visit = next((each for each in reversed(self._visits[name]) if each.left_s is None), None)
        if visit:
            visit.left_s, visit.end = now_s, End.DONE
            for each in self._open(End.RUNNING):
                if each.is_inside(visit):
                    each.left_s, each.end = now_s, End.STOPPED
        return visit

    def _end(self, kind: str, details: Mapping[str, Any], visit: StateVisit | None, now_s: float) -> None:
        self._status = _ENDED[kind]
        if kind == "ExecutionRedriven":
            self._failure, self._ended_s = None, None
            for each in self._open(End.FAILED, End.STOPPED):
                each.end, each.left_s = End.RUNNING, None
            return
        self._ended_s = now_s
        if "error" in details or kind == "ExecutionTimedOut":
            self._failure = _failure(details)
        for each in self._open(End.RUNNING):
            each.end, each.left_s = End.STOPPED, now_s
        while visit and kind == "ExecutionFailed":
            visit.end, visit.left_s = End.FAILED, now_s
            visit = visit.parent

    def _open(self, *ends: End) -> list[StateVisit]:
        return [visit for visits in self._visits.values() for visit in visits if visit.end in ends]


def _happened(visit: StateVisit, kind: str, details: Mapping[str, Any], now_s: float) -> None:
    """Note an attempt or an error of a state; one that ends what is around it has ended with it."""
    if kind in _BROKEN and visit.end is End.RUNNING and visit.failed_last:
        visit.end, visit.left_s = End.FAILED, now_s
    elif kind in _TRIED:
        visit.attempt_count += 1
        visit.failed_last = False
    elif kind.endswith(("Failed", "TimedOut")):
        visit.failed_last = True
        if "error" in details or kind.endswith("TimedOut"):
            visit.failures.append(_failure(details))
    elif kind.endswith("Succeeded"):
        visit.failed_last = False


def _failure(details: Mapping[str, Any]) -> StateFailure:
    return StateFailure(str(details.get("error") or _TIMED_OUT), str(details.get("cause") or ""))


def _details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
    return found
