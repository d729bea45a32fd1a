"""JSONPaths and intrinsic functions of ASL: whether they can be read, and what they read.

Step Functions reads paths with Jayway's JsonPath, and knows eighteen functions ("Intrinsic functions for JSONPath
states" in the developer guide).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

FUNCTIONS: Final = {
    "Array": (0, None),
    "ArrayContains": (2, 2),
    "ArrayGetItem": (2, 2),
    "ArrayLength": (1, 1),
    "ArrayPartition": (2, 2),
    "ArrayRange": (3, 3),
    "ArrayUnique": (1, 1),
    "Base64Decode": (1, 1),
    "Base64Encode": (1, 1),
    "Format": (1, None),
    "Hash": (2, 2),
    "JsonMerge": (3, 3),
    "JsonToString": (1, 1),
    "MathAdd": (2, 2),
    "MathRandom": (2, 3),
    "StringSplit": (2, 2),
    "StringToJson": (1, 1),
    "UUID": (0, 0),
}
"""Name -> least and greatest number of arguments."""

_BEGINNING: Final = re.compile(r"\$\$|\$(?:[^\W\d]\w*)?")
_STEP: Final = re.compile(
    r"""\.\.?(?:\*|[^.\[\]()'"]+(?:\([^()]*\))?)"""  # .name, ..name, .*, .length()
    r"""|(?:\.\.)?\[\s*(?:\*|-?\d+|-?\d*:-?\d*(?::\d+)?)\s*\]"""  # [0], [-1], [1:3], [*]
    r"""|(?:\.\.)?\[\s*-?\d+(?:\s*,\s*-?\d+)+\s*\]"""  # [0,1]
    r"""|(?:\.\.)?\[\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(?:\s*,\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))*\s*\]"""
)
_FILTER: Final = re.compile(r"""(?:\.\.)?\[\s*\?\s*\(""")
_PLAIN: Final = re.compile(r"""\.[^.*()]+|\[\s*\d+\s*\]|\[\s*(?:'[^']*'|"[^"]*")\s*\]""")
"""A step that names one thing."""
_NAMED: Final = re.compile(r"""\.([^.\[\]()'"*]+)$|\[\s*['"]([^'"]+)['"]\s*\]$""")
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_CALL: Final = re.compile(r"\s*States\.(\w+)\s*\(")
_LITERAL: Final = re.compile(r"\s*(?:'(?:[^'\\]|\\.)*'|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null)\s*(?=[,)]|$)")
_DEEPEST: Final = 10
"""How deep intrinsic functions may nest (developer guide)."""


class NoPath(Exception):  # noqa: N818 - says what happened
    """A text is neither a path nor a function; the message says where it breaks."""


@dataclass(frozen=True, slots=True)
class PathReading:
    """What a path or function reads: per path its root (`$`, `$$`, `$name`) and the names behind it."""

    paths: tuple[tuple[str, tuple[str, ...]], ...]
    plain: bool
    """Whether it names one place: no wildcard, slice, filter or function."""
    call: str = ""
    """The outermost function."""


@lru_cache(8_192)
def reading_of(text: str) -> PathReading | NoPath:
    """Return what a text reads, or why it is none."""
    try:
        if text.lstrip().startswith("States."):
            return _whole_call(text)
        return _path(text.strip())
    except NoPath as problem:
        return problem


def _whole_call(text: str) -> PathReading:
    found, end = _call(text, 0, 1)
    if text[end:].strip():
        raise NoPath(f"`{text[end:].strip()}` stands behind the function")
    return found


def _path(text: str) -> PathReading:
    beginning = _BEGINNING.match(text)
    if not beginning:
        raise NoPath(f"`{text}` does not begin with `$`")
    at, names, plain, naming = beginning.end(), [], True, True
    while at < len(text):
        end, is_plain = _step(text, at)
        named = _NAMED.match(text[at:end]) if is_plain else None
        naming = naming and named is not None
        if naming and named:
            names.append(named[1] or named[2])
        plain, at = plain and is_plain, end
    return PathReading(((beginning[0], tuple(names)),), plain)


def _step(text: str, at: int) -> tuple[int, bool]:
    """Return where a step ends, and whether it names one thing."""
    if match := _STEP.match(text, at):
        step = match[0]
        return match.end(), _PLAIN.fullmatch(step) is not None
    if match := _FILTER.match(text, at):
        depth, end = 1, match.end()
        while depth and end < len(text):
            quoted = _QUOTED.match(text, end)
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end = quoted.end() if quoted else end + 1
        if not depth and text[end : end + 1] == "]":
            return end + 1, False
    raise NoPath(f"`{text[at:]}` is no step of a path")


def _call(text: str, at: int, depth: int) -> tuple[PathReading, int]:
    match = _CALL.match(text, at)
    if not match:
        raise NoPath(f"`{text[at:]}` is no call of a function")
    name = match[1]
    if name not in FUNCTIONS:
        near = get_close_matches(name, FUNCTIONS, n=1)
        raise NoPath(f"there is no function `States.{name}`" + (f"; did you mean `States.{near[0]}`?" if near else ""))
    if depth > _DEEPEST:
        raise NoPath(f"functions nest {_DEEPEST} deep at most")
    arguments, end = _arguments(text, match.end(), depth)
    least, most = FUNCTIONS[name]
    if len(arguments) < least or (most is not None and len(arguments) > most):
        wanted = str(least) if least == most else f"{least} to {most}" if most else f"{least} at least"
        raise NoPath(f"`States.{name}` takes {wanted} arguments, and has {len(arguments)}")
    if name == "Format" and isinstance(arguments[0], str):
        _check_format(arguments[0], len(arguments) - 1)
    return PathReading(tuple(_read(arguments)), plain=False, call=name), end


def _check_format(template: str, count: int) -> None:
    fields = len(re.findall(r"(?<!\\)\{\}", template))
    if fields != count:
        raise NoPath(f"`States.Format` has {fields} times `{{}}` in its text, and {count} arguments for them")


def _read(arguments: list[PathReading | str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for argument in arguments:
        if isinstance(argument, PathReading):
            yield from argument.paths


def _arguments(text: str, at: int, depth: int) -> tuple[list[PathReading | str], int]:
    found: list[PathReading | str] = []
    if match := re.compile(r"\s*\)").match(text, at):
        return found, match.end()
    while True:
        argument, at = _argument(text, at, depth)
        found.append(argument)
        match = re.compile(r"\s*([,)])").match(text, at)
        if not match:
            raise NoPath("a `)` is missing" if not text[at:].strip() else f"`,` or `)` is missing before `{text[at:]}`")
        at = match.end()
        if match[1] == ")":
            return found, at


def _argument(text: str, at: int, depth: int) -> tuple[PathReading | str, int]:
    if match := _LITERAL.match(text, at):
        return match[0].strip(), match.end()
    if _CALL.match(text, at):
        return _call(text, at, depth + 1)
    start = at + len(text[at:]) - len(text[at:].lstrip())
    end = _end_of_path(text, start)
    if not text[start:end].startswith("$"):
        raise NoPath(f"`{text[start:end].strip() or text[start:]}` is no argument: a path, a number or a 'text'")
    return _path(text[start:end].strip()), end


def _end_of_path(text: str, at: int) -> int:
    """Return where an argument that is a path ends: at a comma or parenthesis outside of brackets."""
    depth = 0
    while at < len(text):
        quoted = _QUOTED.match(text, at)
        if quoted and depth:
            at = quoted.end()
            continue
        if not depth and text[at] in ",)":
            break
        depth += {"[": 1, "]": -1, "(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at
