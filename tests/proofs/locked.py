"""The part of a lock that some packages need: so that what is tested has nothing that only developers install."""

import re
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==")


def part_of_lock(lock: Path, needed: Iterable[str]) -> str:
    """Return the blocks of a lock, with their hashes, for requirements and all that follows from them.

    What follows is read from the packages that are installed here. ValueError for one that the lock has not.
    """
    blocks = _blocks(lock)
    names = sorted(_closure(Requirement(one) for one in needed))
    if missing := [name for name in names if name not in blocks]:
        raise ValueError(f"{lock.name} has not {', '.join(missing)}: run `make lock`")
    return "".join(blocks[name] for name in names)


def _closure(requirements: Iterable[Requirement]) -> set[str]:
    found: set[str] = set()
    waiting = [(one, extra) for one in requirements for extra in ("", *one.extras) if _counts(one)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found.add(name)
        for text in metadata.requires(name) or ():
            one = Requirement(text)
            if _counts(one, extra):
                waiting += [(one, more) for more in ("", *one.extras)]
    return found


def _counts(requirement: Requirement, extra: str = "") -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _blocks(lock: Path) -> Mapping[str, str]:
    """Return the pins of each name: its lines, and those below them that are indented. A name may have a pin for each
    of several Pythons.
    """
    blocks: dict[str, str] = {}
    name = ""
    for line in lock.read_text().splitlines(keepends=True):
        if pinned := _PINNED.match(line):
            name = canonicalize_name(pinned[1])
        if name:
            blocks[name] = blocks.get(name, "") + line
    return blocks
