"""In which order the boxes of a layer stand, so that few lines cross: medians, up and down, and swaps of neighbours.

After Gansner, Koutsofios, North and Vo, "A technique for drawing directed graphs" (1993), sections 3.1 and 3.2.
"""

import itertools
from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Final

SWEEPS: Final = 12
"""Of medians; what is best after them hardly changes any more."""

Node = Hashable
Beside = Mapping[Node, Sequence[Node]]


def ordered(layers: Sequence[Sequence[Node]], down: Beside) -> list[list[Node]]:
    """Return the layers in a good order; `down` says what each box leads to in the next layer."""
    up: dict[Node, list[Node]] = defaultdict(list)
    for above, belows in down.items():
        for below in belows:
            up[below].append(above)
    now = [list(layer) for layer in layers]
    best, fewest = now, crossings(now, down)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        now = [list(layer) for layer in now]
        if sweep % 2:
            _sweep(list(reversed(now)), down)
        else:
            _sweep(now, up)
        _swap(now, down, up)
        if (count := crossings(now, down)) < fewest:
            best, fewest = [list(layer) for layer in now], count
    return best


def crossings(layers: Sequence[Sequence[Node]], down: Beside) -> int:
    """Count how often lines cross."""
    return sum(_crossings(above, below, down) for above, below in itertools.pairwise(layers))


def _crossings(above: Sequence[Node], below: Sequence[Node], down: Beside) -> int:
    place = {node: number for number, node in enumerate(below)}
    seen: list[int] = []
    count = 0
    for node in above:
        ends = sorted(place[end] for end in down.get(node, ()))
        count += sum(len(seen) - bisect_right(seen, end) for end in ends)
        for end in ends:
            insort(seen, end)
    return count


def _sweep(layers: Sequence[list[Node]], beside: Beside) -> None:
    """Order each layer by the medians of what is beside it in the one before, which stands already."""
    for before, layer in itertools.pairwise(layers):
        place = {node: number for number, node in enumerate(before)}
        medians = {node: _median([place[end] for end in beside.get(node, ())]) for node in layer}
        free = iter(sorted((node for node in layer if medians[node] is not None), key=lambda node: medians[node] or 0))
        layer[:] = [node if medians[node] is None else next(free) for node in layer]


def _median(places: Sequence[int]) -> float | None:
    if not places:
        return None
    found, middle = sorted(places), len(places) // 2
    return float(found[middle]) if len(found) % 2 else (found[middle - 1] + found[middle]) / 2


def _swap(layers: Sequence[list[Node]], down: Beside, up: Beside) -> None:
    """Swap neighbours as long as that saves a crossing."""
    for number, layer in enumerate(layers):
        sides = [
            (layers[other], beside)
            for other, beside in ((number - 1, up), (number + 1, down))
            if 0 <= other < len(layers)
        ]
        places = [({node: place for place, node in enumerate(there)}, beside) for there, beside in sides]
        better = True
        while better:
            better = False
            for place in range(len(layer) - 1):
                left, right = layer[place], layer[place + 1]
                if _between(left, right, places) > _between(right, left, places):
                    layer[place], layer[place + 1] = right, left
                    better = True


def _between(left: Node, right: Node, sides: Sequence[tuple[Mapping[Node, int], Beside]]) -> int:
    """Count how often the lines of two neighbours cross, where one stands left of the other."""
    return sum(
        place[one] > place[other]
        for place, beside in sides
        for one in beside.get(left, ())
        for other in beside.get(right, ())
    )
