"""JSON as strictly as `json` reads it, with the place of every member and element, and keys that stand twice."""

import re
from bisect import bisect_right
from json import JSONDecodeError, JSONDecoder
from typing import Any, Final

from headway.asl.places import Path, Places, TextPlace

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_WORDS: Final = {"true": True, "false": False, "null": None}
_STRINGS: Final = JSONDecoder()
_DEEPEST: Final = 200
"""How deep a document may go: deeper than any machine, and far from the interpreter's own limit."""


class NotJson(Exception):  # noqa: N818 - says what happened
    """A text is no JSON, from a position on."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"not JSON: {message}")
        self.position = position


class JsonReader:
    """Reads one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self.places: Places = {(): TextPlace(1, 1)}
        self.twice: list[tuple[Path, TextPlace]] = []

    def place(self, position: int) -> TextPlace:
        """Return line and column of a position."""
        line = bisect_right(self._lines, position)
        return TextPlace(line, position - self._lines[line - 1] + 1)

    def read(self) -> Any:
        """Return the value of the whole text. Raises NotJson."""
        start = 1 if self._text.startswith("\ufeff") else 0
        value, end = self._value(self._skip(start), ())
        if (end := self._skip(end)) != len(self._text):
            raise NotJson("something stands behind the end", end)
        return value

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def _value(self, at: int, path: Path) -> tuple[Any, int]:
        self.places.setdefault(path, self.place(at))
        first = self._text[at : at + 1]
        if len(path) > _DEEPEST:
            raise NotJson("too deep", at)
        if first == "{":
            return self._object(at, path)
        if first == "[":
            return self._list(at, path)
        if first == '"':
            return self._string(at)
        for word, value in _WORDS.items():
            if self._text.startswith(word, at):
                return value, at + len(word)
        match = _NUMBER.match(self._text, at)
        if not match:
            raise NotJson("a value is missing" if first else "it ends too early", at)
        number = match[0]
        return (float(number) if match[1] or match[2] else int(number)), match.end()

    def _string(self, at: int) -> tuple[str, int]:
        try:
            value, end = _STRINGS.raw_decode(self._text, at)
        except JSONDecodeError as problem:
            raise NotJson(problem.msg, problem.pos) from problem
        return str(value), end

    def _object(self, at: int, path: Path) -> tuple[dict[str, Any], int]:
        made: dict[str, Any] = {}
        at = self._skip(at + 1)
        if self._text[at : at + 1] == "}":
            return made, at + 1
        while True:
            if self._text[at : at + 1] != '"':
                raise NotJson("a key in double quotes is missing", at)
            key, end = self._string(at)
            member = (*path, key)
            if key in made:
                self.twice.append((member, self.place(at)))
            else:
                self.places[member] = self.place(at)
            end = self._skip(end)
            if self._text[end : end + 1] != ":":
                raise NotJson("a colon is missing", end)
            made[key], end = self._value(self._skip(end + 1), member)
            at, ended = self._next(end, "}")
            if ended:
                return made, at

    def _list(self, at: int, path: Path) -> tuple[list[Any], int]:
        made: list[Any] = []
        at = self._skip(at + 1)
        if self._text[at : at + 1] == "]":
            return made, at + 1
        while True:
            value, end = self._value(at, (*path, len(made)))
            made.append(value)
            at, ended = self._next(end, "]")
            if ended:
                return made, at

    def _next(self, at: int, closing: str) -> tuple[int, bool]:
        """Return where the next part begins, or where what was closed ends."""
        at = self._skip(at)
        sign = self._text[at : at + 1]
        if sign == closing:
            return at + 1, True
        if sign != ",":
            raise NotJson(f"`,` or `{closing}` is missing", at)
        return self._skip(at + 1), False
