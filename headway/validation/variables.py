"""Which variables are assigned where: on some way to a state, and on every way.

What a state assigns is there in the next one; what a catcher or a choice assigns is there on its way only, in the place
of what its state assigns. States in a Map or Parallel see what is assigned around them, those of a Distributed Map
nothing of it; what they assign ends with them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headway.asl.json_path import NoPath, reading_of
from headway.asl.jsonata_tree import names_of
from headway.asl.jsonata_types import function_names
from headway.asl.model import MachineModel, State, StateScope
from headway.asl.placeholders import STAND_IN
from headway.asl.places import Path
from headway.validation.subject import Subject

Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Flow:
    """Per state, by its path: the variables that may be, and those that are, assigned when it begins."""

    some: Mapping[Path, Names]
    every: Mapping[Path, Names]
    everywhere: Names

    def possible(self, state: State) -> Names:
        """Return what some way has assigned; everything, where no way leads to the state."""
        return self.some.get(state.path, self.everywhere)

    def certain(self, state: State) -> Names:
        """Return what every way has assigned."""
        return self.every.get(state.path, self.everywhere)


def flow_of(machine: MachineModel) -> Flow:
    """Follow the assignments through a machine."""
    some: dict[Path, Names] = {}
    every: dict[Path, Names] = {}
    for scope in machine.scopes:
        owner = scope.owner
        seen = owner is not None and not scope.distributed
        _follow(scope, some.get(owner.path, frozenset()) if owner and seen else frozenset(), some, union=True)
        _follow(scope, every.get(owner.path, frozenset()) if owner and seen else frozenset(), every, union=False)
    assigned = [_assigned(holder) for state in machine.all_states for _, holder in _assigning(state)]
    return Flow(some, every, frozenset().union(*assigned))


def variable_reads(subject: Subject) -> Iterator[tuple[State, Path, str, bool]]:
    """Yield each variable that is read: its state, where, its name, and whether `$exists` asks for it."""
    functions = function_names()
    for state, one in subject.expressions:
        names = names_of(one.text)
        for name in sorted(names.variables - functions - {STAND_IN}) if names else ():
            yield state, one.path, name, bool(names and name in names.guarded)
    for state, path in subject.paths:
        reading = reading_of(path.text)
        for root, _ in () if isinstance(reading, NoPath) else reading.paths:
            if root not in ("$", "$$"):
                yield state, path.path, root[1:], False


def _follow(scope: StateScope, around: Names, found: dict[Path, Names], *, union: bool) -> None:
    """Write into `found` what is assigned at the beginning of each state that some way leads to."""
    if scope.start is None:
        return
    found[scope.start.path] = around
    ahead = [scope.start.name]
    while ahead:
        state = scope.states[ahead.pop()]
        before = found[state.path]
        for target, assigned in _ways(state):
            if target not in scope.states:
                continue
            path, after = scope.states[target].path, before | assigned
            known = found.get(path)
            merged = after if known is None else known | after if union else known & after
            if merged != known:
                found[path] = merged
                ahead.append(target)


def _ways(state: State) -> Iterator[tuple[str, Names]]:
    for path, holder, target in state.ways():
        yield target, _assigned(state.fields if path == state.path else holder)


def _assigning(state: State) -> Sequence[tuple[Path, Mapping[str, Any]]]:
    return [(state.path, state.fields), *state.handlers("Catch"), *state.handlers("Choices")]


def _assigned(holder: Mapping[str, Any]) -> Names:
    assigned = holder.get("Assign")
    return frozenset(name.removesuffix(".$") for name in assigned) if isinstance(assigned, dict) else frozenset()
