"""What AWS finds wrong with a definition at creation: a list of diagnostics, each with its place.

In: the text of a definition and the kind of machine. Out: diagnostics, in the order in which AWS reads: form first,
then transitions. `fields` has the tables, `state_form` the rules of one state.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headway.asl import fields
from headway.asl.diagnostics import Diagnostic, of_schema
from headway.asl.state_form import Inherited, language_problems, language_within, state_problems

MISSING_TARGET: Final = "MISSING_TRANSITION_TARGET"
EXPRESS: Final = "EXPRESS"


def diagnostics(text: str, kind: str) -> list[Diagnostic]:
    """Return what AWS has against a definition of a STANDARD or EXPRESS machine."""
    try:
        machine = json.loads(text)
    except ValueError as problem:
        return [Diagnostic("INVALID_JSON_DESCRIPTION", str(problem), None)]
    if not isinstance(machine, dict):
        return [Diagnostic("INVALID_JSON_DESCRIPTION", "The definition is not an object", None)]
    inherited = Inherited(language_within(machine, fields.JSONPATH), express=kind == EXPRESS)
    names: dict[str, str] = {}
    form = [*_machine_problems(machine), *_branch_problems(machine, "", inherited, names)]
    return [*form, *_transition_problems(machine, "", top=True)]


@dataclass(frozen=True, slots=True)
class _Branch:
    """A machine within a state: a branch of Parallel, or what Map does with an item."""

    place: str
    machine: Any
    express: bool


def _machine_problems(machine: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the machine's own fields."""
    yield from _unknown(machine, fields.MACHINE_FIELDS, "")
    yield from language_problems(machine, "")
    if machine.get("Version", "1.0") != "1.0":
        yield of_schema("Value should be one of the following: [1.0]", "/Version")
    limit = machine.get("TimeoutSeconds", 0)
    if not isinstance(limit, int) or isinstance(limit, bool):
        yield of_schema("Expected value of type Integer", "/TimeoutSeconds")


def _branch_problems(
    machine: Mapping[str, Any], place: str, inherited: Inherited, names: dict[str, str]
) -> Iterator[Diagnostic]:
    """Yield what is wrong with the form of a machine's states, those within them included."""
    for name in ("StartAt", "States"):
        if name not in machine:
            yield of_schema(f"These fields are required: [{name}]", place)
    states = machine.get("States", {})
    if not isinstance(states, dict):
        yield of_schema("Expected value of type Object", f"{place}/States")
        return
    for name, state in states.items():
        here = f"{place}/States/{name}"
        if name in names:
            yield Diagnostic("DUPLICATE_STATE_NAME", f"Duplicate State name: {name}", here)
        names.setdefault(name, here)
        if len(name) > fields.STATE_NAME_CHARACTERS:
            limit = fields.STATE_NAME_CHARACTERS
            message = f"The state name '{name}' exceeds the {limit}-character limit allowed by the service"
            yield Diagnostic("INVALID_STATE_NAME", message, here)
        if not isinstance(state, dict):
            yield of_schema("Expected value of type Object", here)
            continue
        yield from state_problems(state, here, inherited)
        for branch in _branches(state, here, inherited.express):
            if not isinstance(branch.machine, dict):
                yield of_schema("Expected value of type Object", branch.place)
                continue
            yield from _unknown(branch.machine, fields.BRANCH_FIELDS, branch.place)
            within = Inherited(inherited.language, express=branch.express)
            yield from _branch_problems(branch.machine, branch.place, within, names)


def _unknown(holder: Mapping[str, Any], known: Collection[str], place: str) -> Iterator[Diagnostic]:
    for name in holder:
        if name not in known:
            yield of_schema(f"Field '{name}' is not supported", place)


def _branches(state: Mapping[str, Any], place: str, express: bool) -> Iterator[_Branch]:
    """Yield the machines within a state; items of a distributed Map run as executions of their own."""
    branches = state.get("Branches")
    if state.get("Type") == "Parallel" and isinstance(branches, list):
        for index, branch in enumerate(branches):
            yield _Branch(f"{place}/Branches[{index}]", branch, express)
    if state.get("Type") == "Map":
        for name in ("ItemProcessor", "Iterator"):
            if name in state:
                processor = state[name]
                config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
                own = config.get("ExecutionType") == EXPRESS if isinstance(config, dict) else False
                yield _Branch(f"{place}/{name}", processor, express or own)


def _transition_problems(machine: Mapping[str, Any], place: str, *, top: bool) -> Iterator[Diagnostic]:
    """Yield transitions to nowhere and states that none leads to, of this machine and of those within.

    That a machine never ends is seen for the whole machine only, and hides which of its states are out of reach.
    """
    states = machine.get("States")
    if not isinstance(states, dict):
        return
    whole = {name: state for name, state in states.items() if isinstance(state, dict)}
    start = machine.get("StartAt")
    if isinstance(start, str) and start not in states:
        yield Diagnostic(MISSING_TARGET, f"Missing 'Next' target: {start}", f"{place}/StartAt")
    for name, state in whole.items():
        for where, target in _targets(state):
            if target not in states:
                at = f"{place}/States/{name}/{where}"
                yield Diagnostic(MISSING_TARGET, f"Missing 'Next' target: {target}", at)
    if top and whole and not any(_is_last(state) for state in whole.values()):
        yield Diagnostic("MISSING_END_STATE", "Workflow has no terminal state", None)
    elif start is not None:
        reached = _reached(start, whole)
        for name in (name for name in whole if name not in reached):
            message = f'State "{name}" is not reachable.'
            yield Diagnostic(MISSING_TARGET, message, f"{place}/States/{name}")
    for name, state in whole.items():
        for branch in _branches(state, f"{place}/States/{name}", express=False):
            if isinstance(branch.machine, dict):
                yield from _transition_problems(branch.machine, branch.place, top=False)


def _targets(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield where a state can go: the field that says so, and the name."""
    places = [(name, state.get(name)) for name in ("Next", "Default")]
    for name in ("Choices", "Catch"):
        ways = state.get(name)
        if isinstance(ways, list):
            places += [(f"{name}[{i}]/Next", way.get("Next")) for i, way in enumerate(ways) if isinstance(way, dict)]
    yield from ((where, target) for where, target in places if isinstance(target, str))


def _is_last(state: Mapping[str, Any]) -> bool:
    return state.get("End") is True or state.get("Type") in ("Succeed", "Fail")


def _reached(start: Any, states: Mapping[str, Mapping[str, Any]]) -> set[str]:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name in states and name not in reached:
            reached.add(name)
            ahead += [target for _, target in _targets(states[name])]
    return reached
