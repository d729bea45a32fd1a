"""A machine as Mermaid text, for a README or a pull request: GitHub and MkDocs draw it.

In: a MachineGraph, perhaps with the RunCourse of an execution. Out: a flowchart. Names of states are no names of nodes,
which have numbers: `end` and others are words of Mermaid's own.
"""

from collections.abc import Iterator
from typing import Final

from headway.graph.course import End, RunCourse
from headway.graph.machine import EdgeKind, GraphState, MachineGraph
from headway.graph.wording import done, errors, headline, label, note

_SHAPES: Final = {"Choice": ("{{", "}}"), "Succeed": ("([", "])"), "Fail": ("([", "])")}
_COLOURS: Final = {
    End.DONE: ("#dafbe1", "#1a7f37"),
    End.CAUGHT: ("#fff8c5", "#9a6700"),
    End.FAILED: ("#ffebe9", "#cf222e"),
    End.RUNNING: ("#ddf4ff", "#0969da"),
    End.STOPPED: ("#fbefff", "#8250df"),
}
_TAKEN: Final = {
    False: "stroke:#1a7f37,stroke-width:3px",
    True: "stroke:#9a6700,stroke-width:3px,stroke-dasharray:6 4",
}
"""Edges that were taken: of a Catch, or any other."""
_NOT_PLAIN: Final = '"#<>&`|{}[]();\\'
"""Characters that Mermaid or HTML would read; each is written by its number."""


def mermaid(machine: MachineGraph, name: str, course: RunCourse | None = None, run: str = "") -> str:
    """Write a machine down; with the course of a `run`, states have colours and what was taken is thick."""
    return "\n".join(_Text(machine, course).lines(list(headline(name, run, course)))) + "\n"


class _Text:
    """Writes one chart: numbers of nodes, and of the edges that were taken."""

    def __init__(self, machine: MachineGraph, course: RunCourse | None) -> None:
        self._machine, self._course = machine, course
        self._number = {name: f"s{number}" for number, name in enumerate(machine.all_states, 1)}
        self._edge_count = 0
        self._taken: dict[bool, list[int]] = {False: [], True: []}
        self._machine_count = 0

    def lines(self, heading: list[str]) -> Iterator[str]:
        yield from ("---", f'title: "{_plain(heading[0])}"', "---", "flowchart TD")
        yield from (f"%% {' '.join(line.split())}" for line in heading[1:])
        yield from self._of(self._machine, "  ")
        for end, (fill, stroke) in _COLOURS.items():
            names = [self._number[name] for name in self._machine.all_states if self._end_of(name) is end]
            if names:
                yield f"  classDef {end} fill:{fill},stroke:{stroke},color:#1f2328"
                yield f"  class {','.join(names)} {end}"
        for caught, numbers in self._taken.items():
            if numbers:
                yield f"  linkStyle {','.join(map(str, numbers))} {_TAKEN[caught]}"

    def _end_of(self, name: str) -> End | None:
        return self._course.end_of(name) if self._course else None

    def _of(self, machine: MachineGraph, indent: str) -> Iterator[str]:
        self._machine_count += 1
        begin, finish = f"b{self._machine_count}", f"e{self._machine_count}"
        yield f"{indent}{begin}((Start))" if indent == "  " else f'{indent}{begin}((" "))'
        for state in machine.states.values():
            yield from self._state(state, indent)
        yield self._edge(begin, "-->", self._number[machine.start], indent, self._end_of(machine.start) is not None)
        for edge in machine.edges:
            words = "<br/>".join(map(_plain, label(edge)))
            dashed = edge.kind is EdgeKind.CATCH
            arrow = (f'-. "{words}" .->' if dashed else f'-- "{words}" -->') if words else ("-.->" if dashed else "-->")
            taken = self._course is not None and edge in self._course.taken
            yield self._edge(self._number[edge.source], arrow, self._number[edge.target], indent, taken)
        ends = [state for state in machine.states.values() if state.ends and state.type != "Fail"]
        if ends:
            yield f"{indent}{finish}((End))" if indent == "  " else f'{indent}{finish}((" "))'
        for state in ends:
            yield self._edge(
                self._number[state.name],
                "-->",
                finish,
                indent,
                self._course is not None and self._course.went_on(state.name),
            )

    def _edge(self, source: str, arrow: str, target: str, indent: str, taken: bool) -> str:
        if taken:
            self._taken[arrow.startswith("-.")].append(self._edge_count)
        self._edge_count += 1
        return f"{indent}{source} {arrow} {target}"

    def _state(self, state: GraphState, indent: str) -> Iterator[str]:
        visits = self._course.visits.get(state.name, ()) if self._course else ()
        said = [f"<b>{_plain(state.name)}</b>", *map(_plain, (note(state), done(visits, state.type), errors(visits)))]
        words = (" \u00b7 " if state.inner else "<br/>").join(line for line in said if line)
        number = self._number[state.name]
        if not state.inner:
            left, right = _SHAPES.get(state.type, ("[", "]"))
            yield f'{indent}{number}{left}"{words}"{right}'
            return
        yield f'{indent}subgraph {number} ["{words}"]'
        yield f"{indent}  direction TB"
        for inner_number, inner in enumerate(state.inner, 1):
            branches = len(state.inner) > 1
            deeper = f"{indent}  "
            if branches:
                yield f'{deeper}subgraph {number}_{inner_number} [" "]'
                yield f"{deeper}  direction TB"
            yield from self._of(inner, f"{deeper}  " if branches else deeper)
            if branches:
                yield f"{deeper}end"
        yield f"{indent}end"


def _plain(words: str) -> str:
    line = " ".join(words.split())
    return "".join(f"#{ord(character)};" if character in _NOT_PLAIN else character for character in line)
