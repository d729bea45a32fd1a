"""A machine as rules see it: its model, and what several rules ask of it, worked out once."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from headway_cdk.placeholders import Binding
from headway_lane.contract.vendor import Vendor

from headway.asl.diagnostics import Diagnostic
from headway.asl.form import diagnostics
from headway.asl.located import Expression, LocatedPath, expressions_of, paths_of
from headway.asl.model import MachineModel, State, machine_of
from headway.asl.placeholders import at, is_unknown, settled
from headway.asl.places import Path


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a project knows of a machine's deployment: what its placeholders stand for, its vendors by name, and what
    the machine will be called.
    """

    bound: Mapping[str, Binding]
    vendors: Mapping[str, Vendor]
    machine: str


@dataclass(frozen=True)
class Subject:
    """One definition. `path` is where it stands in its file, `kind` STANDARD or EXPRESS."""

    document: Mapping[str, Any]
    path: Path = ()
    kind: str = "STANDARD"
    twice: Sequence[Path] = ()
    """Keys that stand twice in their object."""
    names: Collection[str] | None = field(default=None, repr=False)
    """Names of all placeholders that something is bound to; None where nobody knows."""
    deployed: Deployed | None = field(default=None, repr=False)

    @cached_property
    def settled(self) -> Mapping[str, Any]:
        """The definition with expressions that can be parsed whatever placeholders are in them."""
        found: Mapping[str, Any] = settled(self.document)
        return found

    @cached_property
    def machine(self) -> MachineModel:
        """Its model."""
        return machine_of(self.settled)

    @cached_property
    def form(self) -> Sequence[tuple[Path, Diagnostic]]:
        """What AWS refuses at creation, but for what placeholders stand in."""
        found = diagnostics(json.dumps(self.settled), self.kind)
        located = [(path_of(one.location or "", self.document), one) for one in found]
        return [(path, one) for path, one in located if not is_unknown(at(self.document, path))]

    @cached_property
    def expressions(self) -> Sequence[tuple[State, Expression]]:
        """All JSONata, with its state."""
        return [(state, one) for state in self.machine.all_states for one in expressions_of(state)]

    @cached_property
    def paths(self) -> Sequence[tuple[State, LocatedPath]]:
        """All JSONPaths and intrinsic functions without placeholders, with their state."""
        found = [(state, one) for state in self.machine.all_states for one in paths_of(state)]
        return [(state, one) for state, one in found if not is_unknown(one.text)]

    @property
    def tasks(self) -> Iterator[State]:
        """States that call something."""
        return (state for state in self.machine.all_states if state.kind == "Task")


def path_of(location: str, document: Any) -> Path:
    """Return the path that AWS writes as `/States/Ask/Catch[0]/Next`; as far as the document has it."""
    path: list[str | int] = []
    while location:
        part, rest = _first(location, document)
        if part is None:
            return tuple(path)
        path.append(part)
        document, location = document[part], rest
    return tuple(path)


def _first(location: str, document: Any) -> tuple[str | int | None, str]:
    if location.startswith("[") and isinstance(document, list):
        index, _, rest = location[1:].partition("]")
        return (int(index), rest) if index.isdigit() and int(index) < len(document) else (None, "")
    if isinstance(document, dict):
        fitting = [key for key in document if isinstance(key, str) and _begins(location[1:], key)]
        if fitting:
            longest = max(fitting, key=len)
            return longest, location[1 + len(longest) :]
    return None, ""


def _begins(text: str, key: str) -> bool:
    return text.startswith(key) and text[len(key) : len(key) + 1] in ("", "/", "[")
