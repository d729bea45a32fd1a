"""Text of JSON or YAML to plain values, with the place of every one of them, and the keys that stand twice.

Paths are tuples of keys and indexes from the top. YAML is read for machines only: tags of CloudFormation (`!Sub`,
`!GetAtt`) become the placeholder that they are.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final

from headway.asl.json_text import JsonReader, NotJson
from headway.asl.places import Part, Path, Places, TextPlace

YAML_ENDINGS: Final = (".yaml", ".yml")


class Unreadable(Exception):  # noqa: N818 - says what happened
    """A text is neither JSON nor YAML; with the place where that shows."""

    def __init__(self, message: str, place: TextPlace) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True)
class Read:
    """A text that was read: its value, and where everything in it stands."""

    value: Any
    places: Places
    twice: list[tuple[Path, TextPlace]] = field(default_factory=list)
    """Keys that stood in their object before, with the place of the second."""

    def place(self, path: Path) -> TextPlace:
        """Return where something stands, or the nearest thing around it that has a place."""
        while path not in self.places and path:
            path = path[:-1]
        return self.places.get(path, TextPlace(1, 1))


def read(text: str, *, yaml: bool) -> Read:
    """Read a text. Raises Unreadable."""
    return _read_yaml(text) if yaml else _read_json(text)


def _read_json(text: str) -> Read:
    reader = JsonReader(text)
    try:
        value = reader.read()
    except NotJson as problem:
        raise Unreadable(str(problem), reader.place(problem.position)) from problem
    return Read(value, reader.places, reader.twice)


def _read_yaml(text: str) -> Read:
    import yaml  # a tenth of a second, where no YAML is read

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        at = TextPlace(mark.line + 1, mark.column + 1) if mark else TextPlace(1, 1)
        raise Unreadable(f"not YAML: {problem.problem or problem}", at) from problem
    except yaml.YAMLError as problem:
        raise Unreadable(f"not YAML: {' '.join(str(problem).split())}", TextPlace(1, 1)) from problem
    made = _YamlReader(yaml)
    value = made.value(node, (), set()) if node is not None else None
    return Read(value, made.places, made.twice)


class _YamlReader:
    """Turns composed nodes into values."""

    def __init__(self, yaml: Any) -> None:
        self._yaml = yaml
        self._constructor = yaml.SafeLoader("")
        self.places: Places = {}
        self.twice: list[tuple[Path, TextPlace]] = []

    def value(self, node: Any, path: Path, within: set[int]) -> Any:
        """Return the value of a node; `within` are the nodes around it, so that an alias of one ends nothing."""
        self.places.setdefault(path, TextPlace(node.start_mark.line + 1, node.start_mark.column + 1))
        if id(node) in within:
            raise Unreadable("an alias of something that it is in", self.places[path])
        around = within | {id(node)}
        if node.tag.startswith("!"):
            return _of_tag(node.tag, self._untagged(node, path, around))
        return self._untagged(node, path, around)

    def _untagged(self, node: Any, path: Path, around: set[int]) -> Any:
        if isinstance(node, self._yaml.MappingNode):
            return self._mapping(node, path, around)
        if isinstance(node, self._yaml.SequenceNode):
            return [self.value(part, (*path, index), around) for index, part in enumerate(node.value)]
        if node.tag.startswith("!"):
            return node.value
        try:
            value = self._constructor.construct_object(node)
        except (self._yaml.YAMLError, ValueError) as problem:
            raise Unreadable(f"not YAML: {problem}", self.places[path]) from problem
        return value if isinstance(value, str | int | float | bool | None) else node.value  # a date is a text in ASL

    def _mapping(self, node: Any, path: Path, around: set[int]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag.endswith(":merge"):
                merged = self.value(value_node, (*path, "<<"), around)
                for one in merged if isinstance(merged, list) else [merged]:
                    made = {**(one if isinstance(one, dict) else {}), **made}
                continue
            key = self.value(key_node, (*path, "?"), around)
            self.places.pop((*path, "?"), None)
            name: Part = key if isinstance(key, str) else str(key_node.value)
            at = TextPlace(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if isinstance(name, Hashable) and name in made and (*path, name) in self.places:
                self.twice.append(((*path, name), at))
            else:
                self.places[*path, name] = at
            made[str(name)] = self.value(value_node, (*path, name), around)
        return made


def _of_tag(tag: str, value: Any) -> Any:
    """Return what a tag of CloudFormation stands for: a text with placeholders."""
    if tag == "!Sub":
        return value[0] if isinstance(value, list) and value else value
    if tag == "!Ref":
        return f"${{{value}}}"
    if tag == "!GetAtt":
        return f"${{{'.'.join(map(str, value)) if isinstance(value, list) else value}}}"
    return f"${{{tag}}}"
