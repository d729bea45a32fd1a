"""Where the boxes and arrows of a directed graph go: in layers from the top down (Sugiyama, Tagawa and Toda, 1981).

In: sizes of boxes, and edges with the sizes of their labels, in pixels. Out: the middle of each box, and for each edge
its points and the middle of its label. Edges that lead back up are turned for the while; a long edge has a joint in
each layer that it passes, and its label is one of them, so nothing lies on anything else. No I/O, and the same every
time.
"""

import itertools
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from headway.graph.ordering import ordered
from headway.graph.placing import Neighbour, places_across

Node = Hashable
Point = tuple[float, float]

LAYER_GAP: Final = 34.0
"""Pixels between two layers: room for an arrow to bend."""
ACROSS_GAP: Final = 26.0
JOINT_GAP: Final = 14.0
"""Between two lines that run down side by side."""
PORT_GAP: Final = 22.0
"""Between the ends of two arrows at one box, where it is wide enough."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of a box or a label, in pixels."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class GraphLine:
    """An edge to be laid out; without words its label has no size."""

    source: Node
    target: Node
    label: Size | None = None


@dataclass(frozen=True, slots=True)
class LaidLine:
    """An edge as laid out: its points in its own direction, two in each layer that it passes; `label` is its middle."""

    points: Sequence[Point]
    label: Point | None


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything in its place: middles of boxes, and lines in the order in which they were given."""

    size: Size
    middles: Mapping[Node, Point]
    lines: Sequence[LaidLine]


@dataclass(frozen=True, slots=True)
class _Joint:
    """Where a line passes a layer."""

    line: int
    layer: int


@dataclass(slots=True)
class _Graph:
    """The graph in layers: all lines lead down, and each from one layer to the next."""

    sizes: dict[Node, Size]
    layers: list[list[Node]] = field(default_factory=list)
    chains: list[list[Node]] = field(default_factory=list)
    turned: list[bool] = field(default_factory=list)
    labels: list[Node | None] = field(default_factory=list)


def lay_out(sizes: Mapping[Node, Size], lines: Sequence[GraphLine], start: Node) -> Layout:
    """Lay out a graph; `start` comes first. Lines from a box to itself are not for here."""
    graph = _layered(sizes, lines, start)
    down: dict[Node, list[Node]] = defaultdict(list)
    for chain in graph.chains:
        for above, below in itertools.pairwise(chain):
            down[above].append(below)
    graph.layers = ordered(graph.layers, down)
    x_of = _across(graph)
    y_of, height = _down(graph)
    ports = _ports(graph, x_of)
    laid = [_laid(graph, number, x_of, y_of, ports) for number in range(len(lines))]
    right = max(x_of[node] + graph.sizes[node].width / 2 for layer in graph.layers for node in layer)
    return Layout(Size(right, height), {node: (x_of[node], y_of[node][0]) for node in sizes}, laid)


def _layered(sizes: Mapping[Node, Size], lines: Sequence[GraphLine], start: Node) -> _Graph:
    graph = _Graph(dict(sizes))
    graph.turned = _turned(list(sizes), lines, start)
    ways = [
        (line.target, line.source) if turned else (line.source, line.target)
        for line, turned in zip(lines, graph.turned, strict=True)
    ]
    rank = _ranks(list(sizes), ways, [2 if line.label else 1 for line in lines])
    graph.layers = [[] for _ in range(max(rank.values()) + 1)]
    for node in sizes:
        graph.layers[rank[node]].append(node)
    for number, ((above, below), line) in enumerate(zip(ways, lines, strict=True)):
        joints = [_Joint(number, layer) for layer in range(rank[above] + 1, rank[below])]
        # Near the state that the words are about, so that labels of one Choice stand in one row.
        label = (joints[-1] if graph.turned[number] else joints[0]) if line.label else None
        for joint in joints:
            graph.layers[joint.layer].append(joint)
            graph.sizes[joint] = line.label if joint is label and line.label else Size(0, 0)
        graph.chains.append([above, *joints, below])
        graph.labels.append(label)
    return graph


def _turned(nodes: Sequence[Node], lines: Sequence[GraphLine], start: Node) -> list[bool]:
    """Return which lines lead back to a box that led to theirs; without them there is no circle."""
    out: dict[Node, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        out[line.source].append(number)
    turned = [False] * len(lines)
    open_now: set[Node] = set()
    done: set[Node] = set()
    for first in [start, *nodes]:
        if first in done:
            continue
        waiting = [(first, iter(out[first]))]
        open_now.add(first)
        while waiting:
            node, rest = waiting[-1]
            number = next(rest, -1)
            if number < 0:
                waiting.pop()
                open_now.discard(node)
                done.add(node)
            elif lines[number].target in open_now:
                turned[number] = True
            elif (target := lines[number].target) not in done:
                open_now.add(target)
                waiting.append((target, iter(out[target])))
    return turned


def _ranks(nodes: Sequence[Node], ways: Sequence[tuple[Node, Node]], lengths: Sequence[int]) -> dict[Node, int]:
    """Return the layer of each box: as high as the lines to it allow, then as near to what it leads to as they do."""
    into: dict[Node, list[tuple[Node, int]]] = defaultdict(list)
    out: dict[Node, list[tuple[Node, int]]] = defaultdict(list)
    for (above, below), length in zip(ways, lengths, strict=True):
        into[below].append((above, length))
        out[above].append((below, length))
    rank: dict[Node, int] = {}
    order: list[Node] = []
    missing = {node: len(into[node]) for node in nodes}
    ready = [node for node in nodes if not missing[node]]
    while ready:
        node = ready.pop(0)
        rank[node] = max((rank[above] + length for above, length in into[node]), default=0)
        order.append(node)
        for below, _ in out[node]:
            missing[below] -= 1
            if not missing[below]:
                ready.append(below)
    for node in reversed(order):
        if out[node] and len(out[node]) > len(into[node]):
            rank[node] = max(rank[node], min(rank[below] - length for below, length in out[node]))
    least = min(rank.values())
    return {node: value - least for node, value in rank.items()}


def _across(graph: _Graph) -> dict[Node, float]:
    """Return the x of every box and joint."""
    beside: dict[Node, list[Neighbour]] = defaultdict(list)
    for chain in graph.chains:
        for above, below in itertools.pairwise(chain):
            joints = isinstance(above, _Joint) + isinstance(below, _Joint)
            weight = (1.0, 4.0, 24.0)[joints]  # long lines are straight before boxes are in the middle
            beside[above].append(Neighbour(below, weight, below=True))
            beside[below].append(Neighbour(above, weight, below=False))
    widths = {node: size.width for node, size in graph.sizes.items()}
    return places_across(graph.layers, beside, widths, _gap, [chain[1:-1] for chain in graph.chains])


def _gap(one: Node, other: Node) -> float:
    return JOINT_GAP if isinstance(one, _Joint) or isinstance(other, _Joint) else ACROSS_GAP


def _down(graph: _Graph) -> tuple[dict[Node, tuple[float, float]], float]:
    """Return middle and height of the layer of every box and joint, and the height of all."""
    found: dict[Node, tuple[float, float]] = {}
    top = 0.0
    for layer in graph.layers:
        height = max(graph.sizes[node].height for node in layer)
        found |= dict.fromkeys(layer, (top + height / 2, height))
        top += height + LAYER_GAP
    return found, top - LAYER_GAP


def _laid(
    graph: _Graph,
    number: int,
    x_of: Mapping[Node, float],
    y_of: Mapping[Node, tuple[float, float]],
    ports: Mapping[tuple[int, Node], float],
) -> LaidLine:
    chain = graph.chains[number]
    points: list[Point] = []
    for node in chain:
        middle, height = y_of[node]
        if isinstance(node, _Joint):
            points += [(x_of[node], middle - height / 2), (x_of[node], middle + height / 2)]
        else:
            half = graph.sizes[node].height / 2
            edge = middle + half if node == chain[0] else middle - half
            points.append((x_of[node] + ports[number, node], edge))
    if graph.turned[number]:
        points.reverse()
    label = graph.labels[number]
    return LaidLine(points, (x_of[label], y_of[label][0]) if label else None)


def _ports(graph: _Graph, x_of: Mapping[Node, float]) -> dict[tuple[int, Node], float]:
    """Return by line and box how far from its middle the line ends: those of one side do not cross at the box."""
    found: dict[tuple[int, Node], float] = {}
    for end, beside in ((0, 1), (-1, -2)):
        there: dict[Node, list[int]] = defaultdict(list)
        for number, chain in enumerate(graph.chains):
            there[chain[end]].append(number)
        for node, numbers in there.items():
            numbers.sort(key=lambda number: (x_of[graph.chains[number][beside]], number))
            gap = min(PORT_GAP, graph.sizes[node].width / (len(numbers) + 1))
            for place, number in enumerate(numbers):
                found[number, node] = (place - (len(numbers) - 1) / 2) * gap
    return found
