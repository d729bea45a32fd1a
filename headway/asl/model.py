"""A machine as its author means it: scopes with their states, the query language of each, and where each can go.

Nothing here judges: what is not as it should be (a state that is no object, a list in the place of a map) is left out,
because the rules of form have told it already.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from headway.asl import fields
from headway.asl.places import Path
from headway.asl.state_form import language_within

CALLBACK: Final = ".waitForTaskToken"
DISTRIBUTED: Final = "DISTRIBUTED"
ENDINGS: Final = ("Succeed", "Fail")


@dataclass(frozen=True)
class State:
    """One state: its fields, and the path to it. `scope` is the machine, branch or processor that it is in."""

    name: str
    fields: Mapping[str, Any]
    path: Path
    language: str
    scope: "StateScope" = field(repr=False)

    @property
    def kind(self) -> str:
        """Its Type; "" where there is none."""
        kind = self.fields.get("Type")
        return kind if isinstance(kind, str) else ""

    @property
    def jsonata(self) -> bool:
        """Whether its expressions are JSONata."""
        return self.language == fields.JSONATA

    @property
    def resource(self) -> str:
        """What a Task calls; "" where that is no text."""
        resource = self.fields.get("Resource")
        return resource if self.kind == "Task" and isinstance(resource, str) else ""

    @property
    def waits_for_token(self) -> bool:
        """Whether it pauses until somebody uses its task token."""
        return self.resource.endswith(CALLBACK)

    @property
    def arguments_field(self) -> str:
        """The field with what is called."""
        return "Arguments" if self.jsonata else "Parameters"

    @property
    def arguments(self) -> Any:
        """What the call is given."""
        return self.fields.get(self.arguments_field)

    @property
    def ends(self) -> bool:
        """Whether its scope may end with it."""
        return self.fields.get("End") is True or self.kind in ENDINGS

    def handlers(self, name: str) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """Yield the parts of `Retry`, `Catch` or `Choices`, each with its path."""
        ways = self.fields.get(name)
        for index, way in enumerate(ways if isinstance(ways, list) else ()):
            if isinstance(way, dict):
                yield (*self.path, name, index), way

    def ways(self) -> Iterator[tuple[Path, Mapping[str, Any], str]]:
        """Yield where it can go: the holder of the transition, its path, and the name of the next state."""
        for name in ("Next", "Default"):
            if isinstance(target := self.fields.get(name), str):
                yield self.path, self.fields if name == "Next" else {}, target
        for name in ("Choices", "Catch"):
            for path, way in self.handlers(name):
                if isinstance(target := way.get("Next"), str):
                    yield path, way, target

    @cached_property
    def inner(self) -> Sequence["StateScope"]:
        """The branches of a Parallel, or what a Map does with an item."""
        return tuple(_inner(self))


@dataclass(frozen=True)
class StateScope:
    """A machine, a branch or an item processor: states by name, of which one comes first."""

    path: Path
    document: Mapping[str, Any]
    language: str
    owner: State | None = None

    @cached_property
    def states(self) -> Mapping[str, State]:
        """Its own states; those within them are in their scopes."""
        found = self.document.get("States")
        return {
            name: State(name, one, (*self.path, "States", name), language_within(one, self.language), self)
            for name, one in (found.items() if isinstance(found, dict) else ())
            if isinstance(one, dict)
        }

    @property
    def start(self) -> State | None:
        """The state that comes first."""
        name = self.document.get("StartAt")
        return self.states.get(name) if isinstance(name, str) else None

    @property
    def distributed(self) -> bool:
        """Whether each item is an execution of its own."""
        config = self.document.get("ProcessorConfig")
        return isinstance(config, dict) and config.get("Mode") == DISTRIBUTED

    @cached_property
    def reached(self) -> frozenset[str]:
        """Names of the states that some way leads to."""
        return frozenset(self.reached_from([self.start.name] if self.start else []))

    def reached_from(self, names: Sequence[str]) -> set[str]:
        """Return the names of the states that ways from some lead to, those included."""
        found: set[str] = set()
        ahead = list(names)
        while ahead:
            name = ahead.pop()
            if name in self.states and name not in found:
                found.add(name)
                ahead += [target for _, _, target in self.states[name].ways()]
        return found


@dataclass(frozen=True)
class MachineModel(StateScope):
    """The whole: the outermost scope."""

    @cached_property
    def scopes(self) -> Sequence[StateScope]:
        """All scopes, outer ones first."""
        return tuple(_scopes(self))

    @cached_property
    def all_states(self) -> Sequence[State]:
        """All states, in reading order of their scopes."""
        return tuple(state for scope in self.scopes for state in scope.states.values())


def machine_of(document: Mapping[str, Any], path: Path = ()) -> MachineModel:
    """Return the model of a definition; `path` is where it stands in its file."""
    return MachineModel(path, document, language_within(document, fields.JSONPATH))


def _scopes(scope: StateScope) -> Iterator[StateScope]:
    yield scope
    for state in scope.states.values():
        for inner in state.inner:
            yield from _scopes(inner)


def _inner(state: State) -> Iterator[StateScope]:
    """Yield the scopes within a state; a query language of its own is not theirs."""
    branches = state.fields.get("Branches") if state.kind == "Parallel" else None
    for index, branch in enumerate(branches if isinstance(branches, list) else ()):
        if isinstance(branch, dict):
            yield StateScope((*state.path, "Branches", index), branch, state.scope.language, state)
    for name in ("ItemProcessor", "Iterator") if state.kind == "Map" else ():
        if isinstance(processor := state.fields.get(name), dict):
            yield StateScope((*state.path, name), processor, state.scope.language, state)
