"""The matrix as text: calls in rows, kinds in columns, a table for each policy; and what is broken how often."""

from collections import Counter
from collections.abc import Iterator, Sequence

from headway_lane.contract.exchange import Ambiguity

from tests.matrix.cells import Cell
from tests.matrix.faults import Call, Kind
from tests.matrix.known_red import Verdicts


def report(cells: Sequence[Cell], found: Verdicts) -> Iterator[str]:
    """Yield lines. A dot is green in all stories; else so many are red of so many."""
    for policy in Ambiguity:
        mine = [cell for cell in cells if cell.policy is policy]
        width = max((len(str(cell.fault.call)) for cell in mine), default=0)
        yield f"{policy}:"
        yield " " * width + "".join(f"  {kind:>18}" for kind in Kind)
        for call in dict.fromkeys(cell.fault.call for cell in sorted(mine, key=_order)):
            yield f"{call!s:{width}}" + "".join(f"  {_entry(mine, found, call, kind):>18}" for kind in Kind)
        yield ""
    counts = Counter(violation for cell in cells for violation in found.get(str(cell), []))
    red_count = sum(bool(found.get(str(cell))) for cell in cells)
    yield f"{len(cells)} cells, {red_count} red"
    for violation, count in counts.most_common():
        yield f"  {violation}: {count}"


def _order(cell: Cell) -> tuple[int, Call]:
    functions = ("dispatcher", "caller", "callback", "results", "settler")
    return functions.index(cell.fault.call.function), cell.fault.call


def _entry(cells: Sequence[Cell], found: Verdicts, call: Call, kind: Kind) -> str:
    here = [cell for cell in cells if cell.fault.call == call and cell.fault.kind is kind]
    red_count = sum(bool(found.get(str(cell))) for cell in here)
    if not here:
        return ""
    return f"{red_count}/{len(here)}" if red_count else "."
