"""A machine as an SVG: one file without scripts, that loads nothing and is readable by day and by night.

In: a MachineGraph, perhaps with the RunCourse of an execution. Out: the text of the SVG. All texts are escaped.
"""

from collections.abc import Iterator
from typing import Final

from headway.graph import arrows
from headway.graph.boxes import box_of
from headway.graph.course import RunCourse
from headway.graph.drawn import SMALL_FONT, Drawn, n, rectangle, text, text_at, text_width
from headway.graph.layout import GraphLine, Node, Point, Size, lay_out
from headway.graph.machine import MachineGraph
from headway.graph.style import LEGEND, STYLE
from headway.graph.wording import headline

MARGIN: Final = 24.0
HEADING: Final = 23.0
"""Pixels from one line above the graph to the next."""
STATUS_FONT: Final = 13.0
KEY: Final = Size(14, 10)
KEY_GAP: Final = 42.0
"""A key of the legend, and what is around its words."""
PILL: Final = Size(58, 26)
DOT: Final = Size(12, 12)
"""Start and end, of the machine and of what is inside of a state."""
_START: Final = ("start",)
_END: Final = ("end",)
"""No names of states: those are texts."""


def svg(machine: MachineGraph, name: str, course: RunCourse | None = None, run: str = "") -> str:
    """Draw a machine; with the course of a `run`, what was taken stands out, and the rest steps back."""
    drawn = _drawn(machine, course, outermost=True)
    lines = list(headline(name, run, course))
    below = MARGIN + HEADING * (len(lines) + (course is not None)) + 6
    legend_width = sum(text_width(words, SMALL_FONT) + KEY_GAP for _, words in LEGEND) if course else 0
    wide = max(drawn.size.width, legend_width, *(text_width(line, STATUS_FONT) for line in lines))
    size = Size(wide + 2 * MARGIN, drawn.size.height + below + MARGIN)
    parts = [rectangle("page", (size.width / 2, size.height / 2), size, 10)]
    for number, (kind, line) in enumerate(zip(("heading", "status", "cause"), lines, strict=False)):
        parts.append(text_at(kind, (MARGIN, MARGIN + 14 + HEADING * number), line))
    if course:
        parts += _legend(MARGIN + 14 + HEADING * len(lines))
    left = (size.width - drawn.size.width) / 2
    parts.append(f'<g transform="translate({n(left)} {n(below)})">\n' + "\n".join(drawn.parts) + "\n</g>")
    title, measures = text(": ".join([name, *lines[1:2]])), f"{n(size.width)} {n(size.height)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{"run" if course else "plain"}" width="{n(size.width)}"'
        f' height="{n(size.height)}" viewBox="0 0 {measures}" role="img" aria-label="{title}">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _drawn(machine: MachineGraph, course: RunCourse | None, *, outermost: bool) -> Drawn:
    """Draw one machine at the origin: arrows first, then their words, then boxes."""
    boxes = {
        name: box_of(state, course, [_drawn(inner, course, outermost=False) for inner in state.inner])
        for name, state in machine.states.items()
    }
    leading = list(_arrows(machine, course))
    has_end = any(arrow.target == _END for arrow in leading)
    terminals: dict[Node, Size] = dict.fromkeys([_START, *([_END] if has_end else [])], PILL if outermost else DOT)
    laid = lay_out(
        {**{name: box.size for name, box in boxes.items()}, **terminals},
        [GraphLine(arrow.source, arrow.target, arrow.label_size) for arrow in leading],
        _START,
    )
    pairs = sorted(zip(leading, laid.lines, strict=True), key=lambda pair: pair[0].is_taken)  # what is taken is on top
    parts = [arrows.drawn(arrow, way) for arrow, way in pairs]
    parts += [arrows.words(arrow, way) for arrow, way in pairs]
    parts += [_terminal(node, laid.middles[node], size) for node, size in terminals.items()]
    parts += [box.at(laid.middles[name]) for name, box in boxes.items()]
    for edge in machine.edges:
        if edge.source == edge.target:
            arrow = arrows.of_edge(edge, course)
            parts.append(arrows.loop(arrow, laid.middles[edge.source], boxes[edge.source].size))
    return Drawn(laid.size, [part for part in parts if part])


def _arrows(machine: MachineGraph, course: RunCourse | None) -> Iterator[arrows.Arrow]:
    """Yield the arrows of a machine: from its start, from state to state, and to its end."""
    yield arrows.Arrow(_START, machine.start, is_taken=course is not None and machine.start in course.visits)
    yield from (arrows.of_edge(edge, course) for edge in machine.edges if edge.source != edge.target)
    for name, state in machine.states.items():
        if state.ends and state.type != "Fail":
            yield arrows.Arrow(name, _END, is_taken=course is not None and course.went_on(name))


def _terminal(node: object, middle: Point, size: Size) -> str:
    word = "Start" if node == _START else "End"
    pill = rectangle(f"terminal {word.lower()}", middle, size, size.height / 2)
    return pill + text_at("terminal-word", (middle[0], middle[1] + 4), word if size == PILL else "")


def _legend(y: float) -> Iterator[str]:
    x = MARGIN
    for kind, words in LEGEND:
        yield rectangle(f"key {kind}", (x + KEY.width / 2, y - 4), KEY, 2)
        yield text_at("legend", (x + 20, y), words)
        x += text_width(words, SMALL_FONT) + KEY_GAP
