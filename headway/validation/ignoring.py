"""What an author does not want to hear of a state, with the reason, in its Comment: `headway: ignore RULE: reason`.

Several rules are separated by commas; several such sentences by a full stop and a space, a semicolon or a line. What
stands in the machine's own Comment is for all of its states, and what stands in a Map or Parallel for those within.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headway.asl.placeholders import at
from headway.asl.places import Path

_MARK: Final = re.compile(
    r"headway: ?ignore\s*(?P<rules>[^:;\n]*?)\s*"
    r"(?::\s*(?P<reason>(?:(?!headway: ?ignore)[^;\n])*))?(?=$|;|\n|headway: ?ignore)"
)


@dataclass(frozen=True, slots=True)
class Ignored:
    """One rule that a Comment at `path` rules out, with the reason; "" where it has none."""

    path: Path
    rule: str
    reason: str


def ignored(document: Mapping[str, Any], path: Path = ()) -> Iterator[Ignored]:
    """Yield what the Comments of a machine and its states rule out."""
    for holder in _holders(document, path):
        comment = at(document, (*holder[len(path) :], "Comment"))
        for match in _MARK.finditer(comment) if isinstance(comment, str) else ():
            for rule in filter(None, re.split(r"[,\s]+", match["rules"])):
                yield Ignored(holder, rule, (match["reason"] or "").strip())


def _holders(document: Any, path: Path) -> Iterator[Path]:
    """Yield the paths of a machine, of its states and of what is within them."""
    yield path
    states = document.get("States") if isinstance(document, dict) else None
    for name, state in states.items() if isinstance(states, dict) else ():
        here = (*path, "States", name)
        if not isinstance(state, dict):
            continue
        yield here
        inner: list[tuple[Path, Any]] = [((*here, key), state.get(key)) for key in ("ItemProcessor", "Iterator")]
        branches = state.get("Branches")
        inner += [((*here, "Branches", i), one) for i, one in enumerate(branches if isinstance(branches, list) else ())]
        for where, one in inner:
            if isinstance(one, dict):
                yield from _holders(one, where)
