"""One state as a box: its name, what it is, and of a run what became of it; a Map or Parallel holds what is inside.

In: a GraphState, what is drawn inside of it, perhaps a RunCourse. Out: a Box, which has a size before it has a place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from headway.graph import wording
from headway.graph.course import RunCourse
from headway.graph.drawn import NAME_FONT, SMALL_FONT, Drawn, at, n, rectangle, text, text_at, text_width
from headway.graph.layout import Point, Size
from headway.graph.machine import GraphState

LEAST_WIDTH: Final = 120.0
SIDE: Final = 16.0
NAME_LINE: Final = 18.0
SMALL_LINE: Final = 15.0
ABOVE: Final = 9.0
"""Above the first and below the last line."""
INSIDE: Final = 18.0
"""Around what is inside of a Map or Parallel, and between two branches."""
POINT: Final = 13.0
"""Of a Choice, at both sides."""
STACKED: Final = 5.0
"""By how much the second sheet of a Map stands out."""
RADIUS: Final = 8.0


@dataclass(frozen=True, slots=True)
class Box:
    """A state ready to be drawn: `lines` are (class, text)."""

    state: GraphState
    size: Size
    lines: Sequence[tuple[str, str]]
    tooltip: str
    names: str
    inside: Sequence[Drawn]

    def at(self, middle: Point) -> str:
        """Draw it around a middle."""
        top = middle[1] - self.size.height / 2
        parts = [f'<g class="{self.names}"><title>{text(self.tooltip)}</title>', *self._outline(middle)]
        y = top + ABOVE
        for kind, words in self.lines:
            height = NAME_LINE if kind == "name" else SMALL_LINE
            parts.append(text_at(kind, (middle[0], y + height - 5), words))
            y += height
        parts.append("</g>")
        return "".join(parts) + "".join(self._inside(middle, y + ABOVE))

    def _outline(self, middle: Point) -> Iterator[str]:
        if self.state.type == "Choice":
            yield f'<polygon class="box" points="{self._hexagon(middle)}"/>'
            return
        if self.state.type == "Map":
            yield rectangle("box sheet", (middle[0] + STACKED, middle[1] + STACKED), self.size, RADIUS)
        radius = self.size.height / 2 if self.state.type in ("Succeed", "Fail") else RADIUS
        yield rectangle("box", middle, self.size, radius)

    def _hexagon(self, middle: Point) -> str:
        (x, y), half, up = middle, self.size.width / 2, self.size.height / 2
        corners = (
            (-half, 0.0),
            (POINT - half, -up),
            (half - POINT, -up),
            (half, 0.0),
            (half - POINT, up),
            (POINT - half, up),
        )
        return " ".join(at((x + dx, y + dy)) for dx, dy in corners)

    def _inside(self, middle: Point, top: float) -> Iterator[str]:
        """Draw what is inside, side by side."""
        x = middle[0] - _row_width(self.inside) / 2
        for drawn in self.inside:
            yield f'\n<g class="inside" transform="translate({n(x)} {n(top)})">\n' + "\n".join(drawn.parts) + "\n</g>"
            x += drawn.size.width + INSIDE


def box_of(state: GraphState, course: RunCourse | None, inside: Sequence[Drawn]) -> Box:
    """Lay out a state's lines."""
    lines = list(_lines(state, course))
    fonts = {"name": NAME_FONT * 1.06}  # it is bold
    width = max(text_width(words, fonts.get(kind, SMALL_FONT)) for kind, words in lines)
    width = max(LEAST_WIDTH, width + 2 * SIDE + (POINT if state.type == "Choice" else 0))
    height = 2 * ABOVE + sum(NAME_LINE if kind == "name" else SMALL_LINE for kind, _ in lines)
    if inside:
        width = max(width, _row_width(inside) + 2 * INSIDE)
        height += max(drawn.size.height for drawn in inside) + INSIDE - ABOVE / 2
    visits = course.visits.get(state.name, ()) if course else ()
    end = course.end_of(state.name) if course else None
    names = ["state", state.type.lower(), *(["within"] if inside else []), *([str(end)] if end else [])]
    return Box(state, Size(width, height), lines, wording.tooltip(state, visits), text(" ".join(names)), inside)


def _lines(state: GraphState, course: RunCourse | None) -> Iterator[tuple[str, str]]:
    yield "name", state.name
    yield "note", wording.note(state)
    visits = course.visits.get(state.name, ()) if course else ()
    if said := wording.done(visits, state.type):
        yield "done", said
    if errors := wording.errors(visits):
        yield "error", errors


def _row_width(inside: Sequence[Drawn]) -> float:
    return sum(drawn.size.width for drawn in inside) + INSIDE * max(0, len(inside) - 1)
