"""The whole fault matrix, in two processes: `python -m tests.matrix [--write] [STORY...]`, or `make proof-matrix`.

`python -m tests.matrix --tell CELL` runs one cell, by the name that the others print, and tells what happened in it.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from headway_lane.contract.exchange import Ambiguity

from tests.matrix.cells import Cell, cells, quietly
from tests.matrix.driver import Driver
from tests.matrix.invariants import violations
from tests.matrix.known_red import difference, write
from tests.matrix.report import report
from tests.matrix.stories import STORIES

PROCESS_COUNT = 2


def _run(policy: Ambiguity, story: str) -> list[tuple[Cell, list[str]]]:
    return [(cell, cell.violations()) for cell in cells(policy, story)]


def _told(verdicts: Sequence[tuple[Cell, list[str]]]) -> tuple[list[Cell], dict[str, list[str]]]:
    """Return all cells, and what the red ones break."""
    return [cell for cell, _ in verdicts], {str(cell): broken for cell, broken in verdicts if broken}


def tell(name: str) -> int:
    """Print what happens in a cell; 1 where it is red. Without a kind at its end, the run in which nothing fails."""
    story, policy, *_ = name.split(" | ")
    named = [cell for cell in cells(Ambiguity(policy), story) if str(cell) == name]
    run = quietly(Driver(Ambiguity(policy), STORIES[story], named[0].fault if named else None))
    calls = [f"call: {item}" for item in run.storage.items("Calls")]
    print(*run.world.log, *calls, f"in doubt: {run.in_doubt}", *violations(run), sep="\n")  # noqa: T201
    return bool(violations(run))


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 where a cell is not as it is known. `--write` makes it known."""
    if arguments[:1] == ["--tell"]:
        return tell(arguments[1])
    stories = [name for name in arguments if name != "--write"] or list(STORIES)
    with ProcessPoolExecutor(PROCESS_COUNT) as pool:
        runs = [pool.submit(_run, policy, story) for story in stories for policy in Ambiguity]
        for done in as_completed(runs):
            made, found = _told(done.result())
            print(f"{made[0].story}, {made[0].policy}: {len(found)} of {len(made)} red", file=sys.stderr, flush=True)  # noqa: T201
            if "--write" in arguments:
                write(made, found)
        made, found = _told([verdict for run in runs for verdict in run.result()])
    print(*report(made, found), sep="\n")  # noqa: T201
    changed = difference(made, found)
    print(*changed, sep="\n")  # noqa: T201
    return bool(changed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
