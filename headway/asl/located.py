"""The expressions and paths of a state, each with its place: JSONata in `{% %}`, JSONPaths, intrinsic functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headway.asl import fields
from headway.asl.model import State
from headway.asl.places import Path

_READERS: Final = ("ItemReader", "ResultWriter")
_PATH_PAYLOADS: Final = (*fields.PAYLOADS, "ItemBatcher", "ItemReader", "ResultWriter", "Credentials")
_REFERENCE: Final = "ResultPath"
_BEFORE: Final = ("Arguments", "Items", "ItemSelector", "ItemBatcher", "Credentials", *fields.WHOLE_NUMBERS, *_READERS)
"""Fields that are read before there is a result."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One JSONata expression. `field` is the field of the state, catcher or choice that it is in."""

    text: str
    path: Path
    field: str
    holder: str
    """`""` for the state itself, or `Catch`, `Choices`."""

    @property
    def before_result(self) -> bool:
        """Whether it is read before there is a result."""
        return self.field in _BEFORE


@dataclass(frozen=True, slots=True)
class LocatedPath:
    """One JSONPath or intrinsic function; a reference path names one place, and no function."""

    text: str
    path: Path
    reference: bool
    field: str


def expressions_of(state: State) -> Iterator[Expression]:
    """Yield the JSONata of a state, in reading order; without the `{% %}` around it."""
    if not state.jsonata:
        return
    for path, holder, name in _holders(state):
        for field in (*fields.EXPRESSIONS, "Condition", *_READERS):
            if field in holder:
                for text, where in _texts(holder[field], (*path, field)):
                    if text.startswith("{%") and text.endswith("%}") and len(text) >= len("{%%}"):
                        yield Expression(text[2:-2].strip(), where, field, name)


def paths_of(state: State) -> Iterator[LocatedPath]:
    """Yield the JSONPaths and intrinsic functions of a state."""
    if state.jsonata:
        return
    for path, holder, _ in _holders(state):
        for name, value in holder.items():
            if name.endswith("Path") and isinstance(value, str):
                yield LocatedPath(value, (*path, name), name == _REFERENCE, name)
        for name in _PATH_PAYLOADS:
            yield from _of_payload(holder.get(name), (*path, name), name)
    for path, rule in state.handlers("Choices"):
        yield from _of_rule(rule, path)


def _holders(state: State) -> Iterator[tuple[Path, Mapping[str, Any], str]]:
    yield state.path, state.fields, ""
    for name in ("Catch", "Choices"):
        for path, way in state.handlers(name):
            yield path, way, name


def _texts(value: Any, path: Path) -> Iterator[tuple[str, Path]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _texts(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _texts(part, (*path, index))
    elif isinstance(value, str):
        yield value, path


def _of_payload(value: Any, path: Path, field: str) -> Iterator[LocatedPath]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name.endswith((".$", "Path")) and isinstance(part, str) and (name.endswith(".$") or part[:1] == "$"):
                yield LocatedPath(part, (*path, name), False, field)
            else:
                yield from _of_payload(part, (*path, name), field)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _of_payload(part, (*path, index), field)


def _of_rule(rule: Any, path: Path) -> Iterator[LocatedPath]:
    """Yield the paths of a rule of Choice, and of the rules that it is made of."""
    if isinstance(rule, list):
        for index, part in enumerate(rule):
            yield from _of_rule(part, (*path, index))
    for name, value in rule.items() if isinstance(rule, dict) else ():
        if isinstance(value, str) and (name == "Variable" or name.endswith("Path")):
            if not (len(path) and path[-2:-1] == ("Choices",) and name.endswith("Path")):  # those came as fields
                yield LocatedPath(value, (*path, name), name == "Variable", name)
        elif name in ("And", "Or", "Not"):
            yield from _of_rule(value, (*path, name))
