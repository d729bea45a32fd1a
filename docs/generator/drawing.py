"""Draws a picture of lanes, boxes and arrows from a short YAML text, as an SVG of its own: no program has to be there.

In: `title`, `lanes` (name: heading), `boxes` (name: [lane, row, title, note, folder]), `arrows` ([from, to, words,
kind]). A box stands in the column of its lane and in its row. An arrow is straight, along a row or down a lane. One
that leads up goes round the left side of its lane.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final, Self

import yaml

BOX_WIDTH: Final = 174
BOX_HEIGHT: Final = 60
ACROSS: Final = 80
"""Between two boxes of a row: room for the words of an arrow."""
DOWN: Final = 24
"""Between two boxes of a lane."""
MARGIN: Final = 28
HEADING: Final = 46
TIP: Final = 9

STYLE: Final = """
  svg { font-family: -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
  .card { fill: #ffffff; stroke: #d0d7de; }
  .heading { font-size: 15px; font-weight: 600; fill: #1f2328; text-anchor: middle; }
  .title { font-size: 14px; font-weight: 600; fill: #1f2328; text-anchor: middle; }
  .note { font-size: 12px; fill: #424a53; text-anchor: middle; }
  .folder { font-size: 11px; fill: #57606a; text-anchor: middle; font-family: ui-monospace, Menlo, monospace; }
  .words { font-size: 12px; fill: #57606a; text-anchor: middle; }
  .beside { text-anchor: start; }
  .arrow { fill: none; stroke: #57606a; stroke-width: 1.6; }
  .tip { fill: #57606a; }
  .dashed { stroke-dasharray: 5 4; }
  .lane0 { fill: #ddf4ff; stroke: #54aeff; }
  .lane1 { fill: #dafbe1; stroke: #4ac26b; }
  .lane2 { fill: #f0f2f4; stroke: #8c959f; }
  .lane3 { fill: #fff1e5; stroke: #fb8f44; }
  @media (prefers-color-scheme: dark) {
    .card { fill: #161b22; stroke: #30363d; }
    .heading, .title { fill: #e6edf3; }
    .note, .folder, .words { fill: #a9b3bd; }
    .arrow { stroke: #8b949e; }
    .tip { fill: #8b949e; }
    .lane0 { fill: #0c2d4d; stroke: #388bfd; }
    .lane1 { fill: #10331e; stroke: #3fb950; }
    .lane2 { fill: #21262d; stroke: #6e7681; }
    .lane3 { fill: #3d2310; stroke: #db6d28; }
  }
"""


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box: the number of its lane from the left, its row from the top (1 is the first), and its lines of text."""

    lane: int
    row: int
    lines: Sequence[str]

    @classmethod
    def read(cls, entry: Sequence[Any], lanes: Sequence[str]) -> Self:
        """Read a box of the text; ValueError where its lane is none of `lanes`."""
        lane, row, *lines = entry
        return cls(lanes.index(lane), row, lines)

    @property
    def middle(self) -> tuple[int, int]:
        """Return the middle of the box, x and y in pixels."""
        x = MARGIN + self.lane * (BOX_WIDTH + ACROSS) + BOX_WIDTH // 2
        return x, HEADING + (self.row - 1) * (BOX_HEIGHT + DOWN) + BOX_HEIGHT // 2


def drawing(text: str) -> str:
    """Return the SVG of a YAML text. KeyError or ValueError where an arrow or a box names what is not there."""
    plan: Mapping[str, Any] = yaml.safe_load(text)
    lanes = list(plan["lanes"])
    boxes = {name: DrawnBox.read(entry, lanes) for name, entry in plan["boxes"].items()}
    width = 2 * MARGIN + len(lanes) * BOX_WIDTH + (len(lanes) - 1) * ACROSS
    height = HEADING + max(box.row for box in boxes.values()) * (BOX_HEIGHT + DOWN)
    parts = [f'<rect class="card" x="1" y="1" width="{width - 2}" height="{height - 2}" rx="10"/>']
    for number, heading in enumerate(plan["lanes"].values()):
        parts.append(_text("heading", DrawnBox(number, 1, ()).middle[0], 29, heading))
    for start, end, *rest in plan["arrows"]:
        words, kind = (*rest, "", "")[:2]
        parts += _arrow(boxes[start], boxes[end], words, kind)
    for box in boxes.values():
        parts += _box(box)
    title = escape(plan["title"])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _box(box: DrawnBox) -> Iterator[str]:
    x, y = box.middle
    left, top = x - BOX_WIDTH // 2, y - BOX_HEIGHT // 2
    yield f'<rect class="lane{box.lane}" x="{left}" y="{top}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="7"/>'
    above = 5 - 8 * (len(box.lines) - 1)
    for number, (name, line) in enumerate(zip(("title", "note", "folder"), box.lines, strict=False)):
        yield _text(name, x, y + above + 17 * number, line)


def _arrow(start: DrawnBox, end: DrawnBox, words: str, kind: str) -> Iterator[str]:
    """Draw an arrow along a row, down a lane, or up beside it. ValueError where it would be askew."""
    (x1, y1), (x2, y2) = start.middle, end.middle
    if start.row == end.row:
        right = x2 > x1
        x1, x2 = (x1 + BOX_WIDTH // 2, x2 - BOX_WIDTH // 2) if right else (x1 - BOX_WIDTH // 2, x2 + BOX_WIDTH // 2)
        yield _line(f"M{x1},{y1} H{x2}", kind)
        yield _tip(x2, y2, 0 if right else 180)
        if kind == "both":
            yield _tip(x1, y1, 180 if right else 0)
        yield _text("words", (x1 + x2) // 2, y1 - 7, words)
    elif start.lane == end.lane and y2 > y1:
        y1, y2 = y1 + BOX_HEIGHT // 2, y2 - BOX_HEIGHT // 2
        yield _line(f"M{x1},{y1} V{y2}", kind)
        yield _tip(x2, y2, 90)
        yield _text("words beside", x1 + 9, (y1 + y2) // 2 + 4, words)
    elif start.lane == end.lane:
        side, beside = x1 - BOX_WIDTH // 2, x1 - BOX_WIDTH // 2 - ACROSS // 3
        y2 += BOX_HEIGHT // 4  # below the arrow that comes in along the row
        yield _line(f"M{side},{y1} H{beside} V{y2} H{side}", kind)
        yield _tip(side, y2, 0)
        yield _text("words", beside - 16, (y1 + y2) // 2 + 4, words)
    else:
        raise ValueError("an arrow leads along a row or along a lane")


def _line(path: str, kind: str) -> str:
    return f'<path class="arrow{" dashed" if kind == "dashed" else ""}" d="{path}"/>'


def _tip(x: int, y: int, degrees: int) -> str:
    points = f"0,0 {-TIP},{-TIP // 2} {-TIP},{TIP // 2 + 1}"
    return f'<polygon class="tip" points="{points}" transform="translate({x} {y}) rotate({degrees})"/>'


def _text(name: str, x: int, y: int, line: str) -> str:
    return f'<text class="{name}" x="{x}" y="{y}">{escape(line)}</text>' if line else ""
