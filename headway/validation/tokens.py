"""Where a callback task hands out its token: what of its arguments is the token, or was meant to be."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from headway.asl import context
from headway.asl.json_path import NoPath, reading_of
from headway.asl.jsonata_tree import names_of
from headway.asl.model import State
from headway.asl.placeholders import is_unknown
from headway.asl.places import Path

_PATH: Final = re.compile(r"\$\$[.\[]")
_EXPRESSION: Final = re.compile(r"\$states\.context\.")
_TOKEN_WORDS: Final = re.compile(r"task\W*token", re.IGNORECASE)


class Mention(Enum):
    """What an argument is: the token itself, one misspelt, a text that looks like it, or one of the other language."""

    TOKEN = auto()
    UNKNOWN = auto()
    """Nobody knows before deployment, or before the run."""
    MISSPELT = auto()
    LITERAL = auto()
    OTHER_LANGUAGE = auto()


@dataclass(frozen=True, slots=True)
class Mentioned:
    """One of them, and where."""

    mention: Mention
    path: Path
    text: str


def mentions(state: State) -> Iterator[Mentioned]:
    """Yield what of the arguments of a task is its token, or was meant to be."""
    yield from _mentions(state.arguments, (*state.path, state.arguments_field), "", state)


def _mentions(value: Any, path: Path, key: str, state: State) -> Iterator[Mentioned]:
    if isinstance(value, str):
        if (found := _mention(value, key, state)) is not None:
            yield Mentioned(found, path, value)
    elif is_unknown(value):
        yield Mentioned(Mention.UNKNOWN, path, "")
    else:
        parts: Mapping[Any, Any] = value if isinstance(value, dict) else {}
        parts = dict(enumerate(value)) if isinstance(value, list) else parts
        for name, part in parts.items():
            yield from _mentions(part, (*path, name), str(name), state)


def _mention(text: str, key: str, state: State) -> Mention | None:
    if state.jsonata and text.startswith("{%"):
        return _in_jsonata(text)
    if not state.jsonata and key.endswith(".$"):
        return _in_path(text)
    if is_unknown(text) and is_unknown(re.sub(r"\w+", "x", text)) and not key:
        return Mention.UNKNOWN  # all arguments are one placeholder
    if not _TOKEN_WORDS.search(text):
        return None
    if text.startswith("{%") or (state.jsonata and key.endswith(".$")) or (state.jsonata and _PATH.match(text)):
        return Mention.OTHER_LANGUAGE
    if not state.jsonata and _EXPRESSION.match(text):
        return Mention.OTHER_LANGUAGE
    return Mention.LITERAL if _PATH.match(text) or _EXPRESSION.match(text) or text.startswith("$.") else None


def _in_jsonata(text: str) -> Mention | None:
    names = names_of(text[2:-2].strip())
    if names is None:
        return Mention.UNKNOWN  # no JSONata, which is told by another rule
    reads = {read[1:] for read in names.reads if read[:1] == ("context",)}
    if () in names.reads or any(context.TOKEN[: len(read)] == read for read in reads):
        return Mention.TOKEN
    if any(context.is_token_misspelt(read) for read in reads) or _is_astray(names.reads):
        return Mention.MISSPELT
    return Mention.OTHER_LANGUAGE if "$$" in text and _TOKEN_WORDS.search(text) else None


def _in_path(text: str) -> Mention | None:
    reading = reading_of(text)
    if is_unknown(text):
        return Mention.UNKNOWN
    if isinstance(reading, NoPath):
        return Mention.OTHER_LANGUAGE if text.startswith("{%") and _TOKEN_WORDS.search(text) else None
    reads = {names for root, names in reading.paths if root == "$$"}
    if any(context.TOKEN[: len(names)] == names for names in reads):
        return Mention.TOKEN
    if any(context.is_token_misspelt(names) for names in reads):
        return Mention.MISSPELT
    plain = {names for root, names in reading.paths if root == "$" and names == context.TOKEN}
    return Mention.MISSPELT if plain else None


def _is_astray(reads: frozenset[tuple[str, ...]]) -> bool:
    """Tell whether the token is looked for where it is not: `$states.Task.Token`, `$states.input.Task.Token`."""
    return any(read[-2:] == context.TOKEN and read[:1] != ("context",) for read in reads)
