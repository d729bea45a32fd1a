"""The fenced blocks of the documents, and the command lines in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from tests.checkout import ROOT
from tests.unit.docs.documents import tracked

RULES = ROOT / "docs" / "rules.md"
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<kind>[a-z]*)\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
_ENDS = {"|", "&&", ";", ">", "||", "&"}


@dataclass(frozen=True, slots=True)
class Snippet:
    """A block, and where it begins: `docs/author.md:12`."""

    place: str
    kind: str
    text: str


def snippets(*kinds: str) -> Iterator[Snippet]:
    """Yield the blocks of these kinds in all documents, but for the rules: they try their own examples, and break some
    on purpose.
    """
    for path in tracked("*.md"):
        if path == RULES:
            continue
        yield from (one for one in snippets_of(path) if one.kind in kinds)


def snippets_of(path: Path) -> Iterator[Snippet]:
    """Yield the blocks of one document."""
    text = path.read_text()
    for found in _BLOCK.finditer(text):
        place = f"{path.relative_to(ROOT).as_posix()}:{text.count(chr(10), 0, found.start()) + 1}"
        yield Snippet(place, found["kind"], dedent(found["text"]))


def commands_in(text: str, program: str) -> Iterator[list[str]]:
    """Yield the words behind each call of a program in lines of a shell."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;>()")
        lexer.whitespace_split = True
        words = [*lexer, ";"]
        for place, word in enumerate(words):
            if word == program and (place == 0 or words[place - 1] in _ENDS):
                end = next(number for number in range(place, len(words)) if words[number] in _ENDS)
                yield words[place + 1 : end]
