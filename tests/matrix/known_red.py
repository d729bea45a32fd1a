"""The cells that are known to be red: violation by violation, row by row, the stories in which it shows."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.matrix.cells import Cell

FILE: Final = Path(__file__).with_suffix(".yaml")
HEAD: Final = "# Cells of the fault matrix that are red, by what they break. Written by `python -m tests.matrix --write`.\n"

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


def difference(cells: Iterable[Cell], found: Verdicts) -> list[str]:
    """Return what is not as it is known, cell by cell: what turned red, and what turned green."""
    before = known()
    lines = []
    for cell in cells:
        was, now = sorted(before.get(str(cell), [])), sorted(found.get(str(cell), []))
        if was != now:
            lines.append(f"{cell}: {', '.join(now) or 'green'}; known as {', '.join(was) or 'green'}")
    return lines


def write(cells: Iterable[Cell], found: Verdicts) -> None:
    """Write down what is red."""
    document: dict[str, dict[str, list[str]]] = {}
    for cell in cells:
        for violation in found.get(str(cell), []):
            document.setdefault(violation, {}).setdefault(cell.row, []).append(cell.story)
    text = yaml.safe_dump(document, width=1_000, allow_unicode=True) if document else "{}\n"
    FILE.write_text(HEAD + text)
