"""Nothing lies on anything else, whatever the graph."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.graph.layout import ACROSS_GAP, LAYER_GAP, GraphLine, Layout, Node, Size, lay_out
from headway.graph.ordering import crossings, ordered
from headway.graph.placing import fitted

BOX = Size(100, 40)
LABEL = Size(80, 20)


def laid(*pairs: tuple[str, str], label: Size | None = None) -> Layout:
    nodes = dict.fromkeys(node for pair in pairs for node in pair)
    return lay_out(dict.fromkeys(nodes, BOX), [GraphLine(*pair, label) for pair in pairs], pairs[0][0])


def test_a_chain_is_straight_and_leads_down() -> None:
    found = laid(("a", "b"), ("b", "c"))
    assert [found.middles[node] for node in "abc"] == [(50, 20 + number * (40 + LAYER_GAP)) for number in range(3)]
    assert found.size == Size(100, 3 * 40 + 2 * LAYER_GAP)
    assert found.lines[0].points == [(50, 40), (50, 40 + LAYER_GAP)]


def test_two_ways_stand_side_by_side_below_the_middle_of_what_leads_to_them() -> None:
    found = laid(("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"))
    (left, _), (right, _) = found.middles["b"], found.middles["c"]
    assert right - left == pytest.approx(100 + ACROSS_GAP)
    assert found.middles["a"][0] == pytest.approx((left + right) / 2)
    assert found.middles["d"][0] == pytest.approx((left + right) / 2)


def test_a_way_back_leads_up_to_the_box_from_below() -> None:
    [_, _, back] = laid(("a", "b"), ("b", "c"), ("c", "b")).lines
    assert back.points[0][1] > back.points[-1][1]
    assert back.points[-1][1] == 20 + 40 + LAYER_GAP + 20


def test_words_have_a_layer_of_their_own() -> None:
    found = laid(("a", "b"), ("a", "c"), label=LABEL)
    assert [line.label and line.label[1] for line in found.lines] == [40 + LAYER_GAP + 10] * 2
    left, right = (line.label[0] for line in found.lines if line.label)
    assert abs(left - right) >= 80


def test_a_long_line_passes_beside_the_boxes_of_the_layers_between() -> None:
    found = laid(("a", "b"), ("b", "c"), ("c", "d"), ("a", "d"))
    for x, _ in found.lines[3].points[1:-1]:
        assert abs(x - found.middles["b"][0]) > 50


def test_lines_that_cross_are_put_in_order() -> None:
    down: dict[Node, list[Node]] = {"a": ["d"], "b": ["c"]}
    assert crossings([["a", "b"], ["c", "d"]], down) == 1
    assert crossings(ordered([["a", "b"], ["c", "d"]], down), down) == 0


def test_places_are_as_near_to_the_wanted_ones_as_the_distances_let_them() -> None:
    assert fitted([(0, 1), (100, 1)], [0, 50]) == [0, 100]
    assert fitted([(10, 1), (10, 1)], [0, 50]) == [-15, 35]
    assert fitted([(10, 3), (10, 1)], [0, 40]) == [0, 40]


GRAPHS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=25).map(
    lambda pairs: [(str(one), str(other)) for one, other in pairs if one != other] or [("0", "1")]
)


@settings(max_examples=60, deadline=None)
@given(GRAPHS, st.booleans())
def test_no_two_boxes_touch_and_every_line_ends_at_its_boxes(pairs: list[tuple[str, str]], labelled: bool) -> None:
    found = laid(*pairs, label=LABEL if labelled else None)
    middles = list(found.middles.values())
    for number, (x, y) in enumerate(middles):
        assert 50 <= x + 1e-6 <= found.size.width - 50 + 2e-6
        for other_x, other_y in middles[:number]:
            assert abs(x - other_x) >= 100 or abs(y - other_y) >= 40
    for (source, target), line in zip(pairs, found.lines, strict=True):
        for node, (x, y) in ((source, line.points[0]), (target, line.points[-1])):
            middle_x, middle_y = found.middles[node]
            assert abs(x - middle_x) < 50
            assert abs(y - middle_y) == pytest.approx(20)
        ups = {one[1] > other[1] for one, other in pairwise(line.points) if one[1] != other[1]}
        assert len(ups) == 1
