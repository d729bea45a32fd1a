"""The arrows between boxes, and the words beside them.

In: an Arrow, and where the layout leads it. Out: pieces of SVG.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from headway.graph.course import RunCourse
from headway.graph.drawn import SMALL_FONT, at, n, rectangle, text, text_at, text_width
from headway.graph.layout import LaidLine, Node, Point, Size
from headway.graph.machine import EdgeKind, GraphEdge
from headway.graph.wording import label

LABEL_LINE: Final = 15.0
LABEL_SIDE: Final = 6.0
"""Pixels beside the words, above and below them half of it."""
TIP: Final = "0,0 -9,-4.5 -9,4.5"


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one box to another; `whole_words` are for who points at it."""

    source: Node
    target: Node
    kind: EdgeKind = EdgeKind.NEXT
    words: tuple[str, ...] = ()
    whole_words: tuple[str, ...] = ()
    is_taken: bool = False

    @property
    def label_size(self) -> Size | None:
        """Room for the words; None without any."""
        if not self.words:
            return None
        width = max(text_width(line, SMALL_FONT) for line in self.words)
        return Size(width + 2 * LABEL_SIDE, LABEL_LINE * len(self.words) + LABEL_SIDE)

    @property
    def names(self) -> str:
        """The classes of its parts."""
        return f"{self.kind}{' taken' if self.is_taken else ''}"


def of_edge(edge: GraphEdge, course: RunCourse | None) -> Arrow:
    """Return the arrow of an edge."""
    taken = course is not None and edge in course.taken
    return Arrow(edge.source, edge.target, edge.kind, tuple(label(edge)), edge.words, taken)


def drawn(arrow: Arrow, laid: LaidLine) -> str:
    """Draw an arrow: straight through a layer, bent between two, with a tip at its end."""
    path = f"M{at(laid.points[0])}"
    for number, ((x1, y1), (x2, y2)) in enumerate(pairwise(laid.points)):
        middle = (y1 + y2) / 2
        bent = f" C{at((x1, middle))} {at((x2, middle))} {at((x2, y2))}"
        path += bent if number % 2 == 0 else f" L{at((x2, y2))}"
    leads_up = laid.points[-1][1] < laid.points[-2][1]
    return _path(arrow, path) + _tip(arrow, laid.points[-1], -90 if leads_up else 90)


def loop(arrow: Arrow, middle: Point, size: Size) -> str:
    """Draw an arrow from a box to itself, at its right side."""
    x, y = middle[0] + size.width / 2, middle[1]
    path = f"M{at((x, y - 9))} C{at((x + 24, y - 16))} {at((x + 24, y + 16))} {at((x + 6, y + 9))}"
    return _path(arrow, path) + _tip(arrow, (x, y + 9), 180)


def words(arrow: Arrow, laid: LaidLine) -> str:
    """Write the words of an arrow over it."""
    size = arrow.label_size
    if size is None or laid.label is None:
        return ""
    (x, y), whole = laid.label, text("\n".join(arrow.whole_words))
    top = y - size.height / 2 + LABEL_SIDE / 2
    lines = [text_at("", (x, top + LABEL_LINE * (number + 1) - 4), line) for number, line in enumerate(arrow.words)]
    paper = rectangle("paper", (x, y), size, 5)
    return f'<g class="label {arrow.names}"><title>{whole}</title>{paper}{"".join(lines)}</g>'


def _path(arrow: Arrow, path: str) -> str:
    return f'<path class="edge {arrow.names}" d="{path}"/>'


def _tip(arrow: Arrow, point: Point, degrees: int) -> str:
    place = f"translate({n(point[0])} {n(point[1])}) rotate({degrees})"
    return f'<polygon class="tip {arrow.names}" points="{TIP}" transform="{place}"/>'
