"""The quick part of the fault matrix: cells of one story, under the three policies in turn."""

import pytest

from tests.matrix.cells import Cell, quick_cells
from tests.matrix.known_red import known


@pytest.mark.parametrize("cell", quick_cells(), ids=str)
def test_whatever_fails_the_call_ends_as_its_policy_says(cell: Cell) -> None:
    assert sorted(cell.violations()) == sorted(known().get(str(cell), [])), "see known_red.yaml, both ways"
