"""Where something stands in a text."""

from typing import NamedTuple

Part = str | int
"""A key of an object, or an index of a list."""
Path = tuple[Part, ...]
"""From the top of a document to something in it."""


class TextPlace(NamedTuple):
    """Line and column, from 1."""

    line: int
    column: int


Places = dict[Path, TextPlace]
"""Where each thing stands: a member of an object by its key, all else by itself."""


def written(path: Path) -> str:
    """Write a path as AWS does: `/States/Ask/Catch[0]/Next`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f"/{part}" for part in path)
