"""What a graph says of a state, an edge and a run: short lines for boxes, whole ones for tooltips.

Texts of strangers (causes, comments) are cut here and escaped where they are drawn.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from headway.graph.course import End, RunCourse, StateVisit
from headway.graph.machine import EdgeKind, GraphEdge, GraphState
from headway.report.wording import cause, duration

WORDS_LENGTH: Final = 34
"""Characters of one line of a label; of a box as many fit beside one another."""
ERROR_LENGTH: Final = 48
"""Names of errors are words that one looks for: hardly any is longer."""
LABEL_LINES: Final = 4
LASTING: Final = frozenset({"Task", "Wait", "Map", "Parallel"})
"""Types of states that take time."""
CAUSE_LENGTH: Final = 110
MS_PER_S: Final = 1_000


def note(state: GraphState) -> str:
    """Return the line below a state's name: its type, what it calls, whether it waits, how often it is tried again."""
    parts = [state.type]
    if state.call:
        parts.append(cut(state.call, WORDS_LENGTH))
    if state.waits_for_callback:
        parts.append("waits for callback")
    if state.retry_count:
        parts.append(f"\u21bb up to {state.retry_count}")
    return " \u00b7 ".join(parts)


def label(edge: GraphEdge) -> Sequence[str]:
    """Return the lines beside an edge: its conditions or errors, each cut, and not all of very many."""
    length = ERROR_LENGTH if edge.kind is EdgeKind.CATCH else WORDS_LENGTH
    lines = [cut(word, length) for word in edge.words if word]
    more = len(lines) - LABEL_LINES
    return lines if more <= 0 else [*lines[: LABEL_LINES - 1], f"and {more + 1} more"]


def done(visits: Sequence[StateVisit], kind: str) -> str:
    """Return what the visits of a state of some type came to: how many, how long, how many attempts."""
    parts = [f"\u00d7{len(visits)}"] if len(visits) > 1 else []
    times = [visit.left_s - visit.entered_s for visit in visits if visit.left_s is not None]
    if times and kind in LASTING:
        least, most = duration(min(times) * MS_PER_S), duration(max(times) * MS_PER_S)
        parts.append(most if least == most else f"{least} \u2013 {most}")
    if any(visit.end is End.RUNNING for visit in visits):
        parts.append("running")
    if retries := sum(max(0, visit.attempt_count - 1) for visit in visits):
        parts.append("1 retry" if retries == 1 else f"{retries} retries")
    return " \u00b7 ".join(parts)


def errors(visits: Sequence[StateVisit]) -> str:
    """Return the errors of a state's visits, each once, with how often it came."""
    names = [failure.error for visit in visits for failure in visit.failures]
    counted = [f"{name} \u00d7{names.count(name)}" if names.count(name) > 1 else name for name in dict.fromkeys(names)]
    return cut(", ".join(counted), ERROR_LENGTH)


def tooltip(state: GraphState, visits: Sequence[StateVisit]) -> str:
    """Return all that is known of a state, line by line."""
    lines = [f"{state.name} ({state.type})", state.comment, state.call]
    for visit in visits[:WORDS_LENGTH]:
        lines.append(f"{visit.end}: {done([visit], state.type)}")
        lines += [f"  {failure.error}: {cut(cause(failure.cause), CAUSE_LENGTH)}" for failure in visit.failures]
    return "\n".join(line for line in lines if line)


def headline(name: str, run: str, course: RunCourse | None) -> Iterator[str]:
    """Yield the lines above a graph: the machine, and of a run its name, end, duration and error."""
    yield name
    if course is None:
        return
    spent = "" if course.ended_s is None else f" after {duration((course.ended_s - course.started_s) * MS_PER_S)}"
    yield f"{run}: {course.status}{spent}"
    if failure := course.failure:
        yield cut(f"{failure.error}: {cause(failure.cause)}" if failure.cause else failure.error, CAUSE_LENGTH)


def cut(text: str, length: int) -> str:
    """Return a text as one line of so many characters at most."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}\u2026"
