"""Where in its layer each box stands: near what it is connected with, in the given order, and not on its neighbour.

For one layer that is exact: the least sum of squares of the distances from where boxes would like to be, under least
distances between neighbours, by pooling (Ayer and others, 1955, "isotonic regression"). Layers take turns.
"""

import itertools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

ROUNDS: Final = 24
"""Down and up; later ones move nothing that one would see."""
STRAIGHTENINGS: Final = 4
"""What one line gives free another may take."""

Node = Hashable


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What a box is connected with in the layer above or below, and how much that counts."""

    node: Node
    weight: float
    below: bool


def places_across(
    layers: Sequence[Sequence[Node]],
    beside: Mapping[Node, Sequence[Neighbour]],
    widths: Mapping[Node, float],
    gap: Callable[[Node, Node], float],
    runs: Sequence[Sequence[Node]],
) -> dict[Node, float]:
    """Return the x of every box's middle; the leftmost edge is at 0. What stands in a run shall be in line."""
    offsets = [_offsets(layer, widths, gap) for layer in layers]
    x_of = {
        node: offset - between[-1] / 2
        for layer, between in zip(layers, offsets, strict=True)
        for node, offset in zip(layer, between, strict=True)
    }
    for turn in range(ROUNDS):
        downwards = turn % 2 == 0
        both = turn >= ROUNDS / 2  # at last a box looks both ways
        for number in range(len(layers)) if downwards else reversed(range(len(layers))):
            wanted = [
                _wanted(node, beside.get(node, ()), x_of, below=None if both else not downwards)
                for node in layers[number]
            ]
            x_of |= zip(layers[number], fitted(wanted, offsets[number]), strict=True)
    for _ in range(STRAIGHTENINGS):
        _straighten(layers, runs, x_of, widths, gap)
    left = min(x_of[node] - widths[node] / 2 for layer in layers for node in layer)
    return {node: x - left for node, x in x_of.items()}


def _offsets(layer: Sequence[Node], widths: Mapping[Node, float], gap: Callable[[Node, Node], float]) -> list[float]:
    """Return the least distances of a layer's middles from that of its first box."""
    found = [0.0]
    for left, right in itertools.pairwise(layer):
        found.append(found[-1] + (widths[left] + widths[right]) / 2 + gap(left, right))
    return found


def _wanted(
    node: Node, neighbours: Sequence[Neighbour], x_of: Mapping[Node, float], *, below: bool | None
) -> tuple[float, float]:
    """Return where a box would like to be, and how much: in the middle of its neighbours on one side, or on both."""
    there = [each for each in neighbours if below is None or each.below is below]
    weight = sum(each.weight for each in there)
    if not weight:
        return x_of[node], 0.1
    return sum(x_of[each.node] * each.weight for each in there) / weight, weight


def fitted(wanted: Sequence[tuple[float, float]], offsets: Sequence[float]) -> list[float]:
    """Return places as near as can be to the wanted ones, a pair of place and weight each, of which none is nearer to
    the one before than `offsets` say.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, count
    for (place, weight), offset in zip(wanted, offsets, strict=True):
        pools.append((place - offset, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean, weight_before, count_before), (last, weight_last, count) = pools[-2], pools[-1]
            both = weight_before + weight_last
            pools[-2:] = [((mean * weight_before + last * weight_last) / both, both, count_before + count)]
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def _straighten(
    layers: Sequence[Sequence[Node]],
    runs: Sequence[Sequence[Node]],
    x_of: dict[Node, float],
    widths: Mapping[Node, float],
    gap: Callable[[Node, Node], float],
) -> None:
    """Bring as much of each run into one line as what stands beside it allows."""
    beside = {
        node: (layer[place - 1] if place else None, layer[place + 1] if place + 1 < len(layer) else None)
        for layer in layers
        for place, node in enumerate(layer)
    }

    def room(node: Node) -> tuple[float, float]:
        left, right = beside[node]
        least, most = -inf, inf
        if left is not None:
            least = x_of[left] + (widths[left] + widths[node]) / 2 + gap(left, node)
        if right is not None:
            most = x_of[right] - (widths[right] + widths[node]) / 2 - gap(node, right)
        return least, most

    for run in runs:
        for line, (least, most) in _lines_of(run, room):
            mean = sum(x_of[node] for node in line) / len(line)
            x_of |= dict.fromkeys(line, min(max(mean, least), most))


def _lines_of(
    run: Sequence[Node], room: Callable[[Node], tuple[float, float]]
) -> Iterator[tuple[Sequence[Node], tuple[float, float]]]:
    """Yield the longest parts of a run, from above, that have room in one line, with that room."""
    line: list[Node] = []
    least, most = -inf, inf
    for node in run:
        left, right = room(node)
        if line and max(least, left) > min(most, right):
            yield line, (least, most)
            line, least, most = [], -inf, inf
        line.append(node)
        least, most = max(least, left), min(most, right)
    if line:
        yield line, (least, most)
