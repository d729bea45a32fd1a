"""The cells that are known to be red: violation by violation, row by row, the stories in which it shows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from tests.matrix.cells import Cell

FILE: Final = Path(__file__).with_suffix(".yaml")
HEAD: Final = (
    "# Cells of the fault matrix that are red, by what they break. Written by `python -m tests.matrix --write`.\n"
)

Verdicts = Mapping[str, list[str]]
"""What each cell breaks, by its name."""


def known() -> Verdicts:
    """Return what the known red cells break."""
    document: Any = yaml.safe_load(FILE.read_text()) or {}
    found: dict[str, list[str]] = {}
    for violation, rows in document.items():
        for row, stories in rows.items():
            for story in stories:
                found.setdefault(f"{story} | {row}", []).append(violation)
    return found


def difference(cells: Sequence[Cell], found: Verdicts) -> list[str]:
    """Return what is not as it is known, cell by cell; `cells` are all of their stories and policies."""
    names = [str(cell) for cell in cells]
    before = {name: broken for name, broken in known().items() if _run(name) in set(map(_run, names))}
    lines = [f"{name}: is no cell any more" for name in sorted(before.keys() - set(names))]
    for name in names:
        was, now = sorted(before.get(name, [])), sorted(found.get(name, []))
        if was != now:
            lines.append(f"{name}: {', '.join(now) or 'green'}; known as {', '.join(was) or 'green'}")
    return lines


def write(cells: Sequence[Cell], found: Verdicts) -> None:
    """Write down what is red in the stories and policies of `cells`; all others stay as they are known."""
    again = {_run(str(cell)) for cell in cells}
    red = {name: broken for name, broken in known().items() if _run(name) not in again} | dict(found)
    document: dict[str, dict[str, list[str]]] = {}
    for name in sorted(red):
        story, row = name.split(" | ", 1)
        for violation in red[name]:
            document.setdefault(violation, {}).setdefault(row, []).append(story)
    FILE.write_text(HEAD + yaml.safe_dump(document, width=1_000, default_flow_style=None))


def _run(name: str) -> str:
    """Return story and policy of a cell."""
    return name.rsplit(" | ", 2)[0]
