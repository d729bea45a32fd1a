"""A state machine as a graph: its states, and the ways from one to the next. Only what a drawing needs.

In: a definition in the Amazon States Language, as JSON or YAML says it. Out: a MachineGraph, with the machines inside
of its Map and Parallel states. A definition that leads nowhere is a UsageProblem, which names the field.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from headway.errors import UsageProblem
from headway.graph.conditions import condition

_ENDINGS: Final = ("Succeed", "Fail")
_TRIED_COUNT: Final = 3
"""Step Functions' own `MaxAttempts` where a Retry names none."""
_SERVICE: Final = "states:::"
_OTHERWISE: Final = "otherwise"


class EdgeKind(StrEnum):
    """Why an execution takes an edge."""

    NEXT = "next"
    CHOICE = "choice"
    CATCH = "catch"


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """From one state to another; `words` are conditions or names of errors, one of which is enough."""

    source: str
    target: str
    kind: EdgeKind
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphState:
    """A state: `call` is what a Task calls, or how long a Wait waits; `retry_count` the most that its Retry allows."""

    name: str
    type: str
    call: str = ""
    comment: str = ""
    retry_count: int = 0
    waits_for_callback: bool = False
    inner: tuple["MachineGraph", ...] = ()
    ends: bool = False


@dataclass(frozen=True)
class MachineGraph:
    """A machine, or one inside of a state."""

    start: str
    states: Mapping[str, GraphState]
    edges: Sequence[GraphEdge]
    comment: str = field(default="")

    @cached_property
    def all_states(self) -> Mapping[str, GraphState]:
        """All states by name, those of machines inside of states included."""
        found = dict(self.states)
        for state in self.states.values():
            for machine in state.inner:
                found |= machine.all_states
        return found

    @cached_property
    def all_edges(self) -> Sequence[GraphEdge]:
        """All edges, those of machines inside of states included."""
        inner = (machine for state in self.states.values() for machine in state.inner)
        return [*self.edges, *(edge for machine in inner for edge in machine.all_edges)]


def read(document: Any, file: str) -> MachineGraph:
    """Read a definition; `file` is what messages call it. Raises UsageProblem."""
    return _machine(document, f"{file}: ", str(_of(document, "QueryLanguage", "JSONPath")))


def _machine(document: Any, place: str, language: str) -> MachineGraph:
    states = _of(document, "States", None)
    start = _of(document, "StartAt", None)
    if not isinstance(states, Mapping) or not states or not isinstance(start, str):
        raise UsageProblem(f"{place}no state machine: an object with `StartAt` and `States` has to be here")
    edges = _merged(edge for name, state in states.items() for edge in _edges(str(name), state, f"{place}{name}: "))
    leads = [("StartAt", start), *((edge.source, edge.target) for edge in edges)]
    for source, target in leads:
        if target not in states:
            raise UsageProblem(f"{place}{source}: leads to {target!r}, and there is no such state; correct the name")
    read_states = {str(name): _state(str(name), state, place, language) for name, state in states.items()}
    return MachineGraph(start, read_states, edges, str(_of(document, "Comment", "")))


def _state(name: str, state: Mapping[str, Any], place: str, language: str) -> GraphState:
    resource = str(state.get("Resource", ""))
    called = resource.partition(_SERVICE)[2] if _SERVICE in resource else resource
    retries = state.get("Retry") or ()
    processor = state.get("ItemProcessor") or state.get("Iterator")
    inside = [processor] if processor else state.get("Branches") or ()
    kind = str(state.get("Type", ""))
    inner = (
        _machine(document, f"{place}{name}[{number}]: ", str(_of(document, "QueryLanguage", language)))
        for number, document in enumerate(inside)
    )
    return GraphState(
        name=name,
        type=kind,
        call=called.removesuffix(".waitForTaskToken").removeprefix("aws-sdk:") if kind == "Task" else _pause(state),
        comment=str(state.get("Comment", "")),
        retry_count=sum(retry.get("MaxAttempts", _TRIED_COUNT) for retry in retries),
        waits_for_callback=called.endswith(".waitForTaskToken") or ":activity:" in resource,
        inner=tuple(inner),
        ends=bool(state.get("End")) or kind in _ENDINGS,
    )


def _pause(state: Mapping[str, Any]) -> str:
    """Say how long a Wait waits, and with which error a Fail fails."""
    for name in ("SecondsPath", "Timestamp", "TimestampPath", "Error"):
        if name in state:
            return str(state[name])
    return f"{state['Seconds']} s" if "Seconds" in state else ""


def _edges(name: str, state: Any, place: str) -> Iterator[GraphEdge]:
    if not isinstance(state, Mapping):
        raise UsageProblem(f"{place}no state: an object with `Type` has to be here")
    if "Next" in state:
        yield GraphEdge(name, str(state["Next"]), EdgeKind.NEXT)
    for rule in state.get("Choices") or ():
        yield GraphEdge(name, str(_of(rule, "Next", "")), EdgeKind.CHOICE, (condition(rule),))
    if "Default" in state:
        yield GraphEdge(name, str(state["Default"]), EdgeKind.CHOICE, (_OTHERWISE,))
    for catcher in state.get("Catch") or ():
        yield GraphEdge(
            name, str(_of(catcher, "Next", "")), EdgeKind.CATCH, tuple(map(str, catcher.get("ErrorEquals", ())))
        )


def _merged(edges: Iterator[GraphEdge]) -> Sequence[GraphEdge]:
    """Return the edges with one for all that lead the same way."""
    found: dict[tuple[str, str, EdgeKind], GraphEdge] = {}
    for edge in edges:
        key = (edge.source, edge.target, edge.kind)
        words = (*found[key].words, *edge.words) if key in found else edge.words
        found[key] = GraphEdge(edge.source, edge.target, edge.kind, tuple(dict.fromkeys(words)))
    return list(found.values())


def _of(document: Any, name: str, otherwise: Any) -> Any:
    return document.get(name, otherwise) if isinstance(document, Mapping) else otherwise
