"""The whole fault matrix, in two processes: `make proof-matrix`, or `python -m tests.matrix [--write] [STORY...]`."""

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from headway_lane.contract.exchange import Ambiguity

from tests.matrix.cells import Cell, cells
from tests.matrix.known_red import difference, write
from tests.matrix.report import report
from tests.matrix.stories import STORIES

PROCESS_COUNT = 2


def _run(policy: Ambiguity, story: str) -> list[tuple[Cell, list[str]]]:
    return [(cell, cell.violations()) for cell in cells(policy, story)]


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 where a cell is not as it is known. `--write` makes it known."""
    stories = [name for name in arguments if name != "--write"] or list(STORIES)
    with ProcessPoolExecutor(PROCESS_COUNT) as pool:
        runs = [pool.submit(_run, policy, story) for story in stories for policy in Ambiguity]
        for done in as_completed(runs):
            cell, _ = done.result()[0]
            print(f"{cell.story}, {cell.policy}: {len(done.result())} cells", file=sys.stderr, flush=True)  # noqa: T201
        verdicts = [verdict for run in runs for verdict in run.result()]
    all_cells = [cell for cell, _ in verdicts]
    found = {str(cell): broken for cell, broken in verdicts if broken}
    print(*report(all_cells, found), sep="\n")  # noqa: T201
    if "--write" in arguments:
        write(all_cells, found)
        return 0
    changed = difference(all_cells, found)
    print(*changed, sep="\n")  # noqa: T201
    return bool(changed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
