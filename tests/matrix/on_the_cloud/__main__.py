"""Cells of the fault matrix on the embedded cloud, many side by side: `make proof-matrix-cloud`.

`--cell NAME` runs one cell, by the name that this and `tests.matrix` print. Exit code 1 where something is broken, or
where too few of the faults struck.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from headway.testing.laboratory import Laboratory
from tests.matrix.on_the_cloud.course import Ended, late_invocations, run
from tests.matrix.on_the_cloud.judgement import verdicts
from tests.matrix.on_the_cloud.lanes import Lane, lanes
from tests.matrix.on_the_cloud.report import report, struck_count
from tests.matrix.on_the_cloud.sample import Sample, drawn, playable, sample_of

STRUCK_SHARE: Final = 0.95
"""So many of the faults have to strike."""


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for, and print what became of it."""
    asked = _parsed(arguments)
    if asked.cell:
        samples = [sample_of(number, cell) for number, cell in enumerate(playable()) if str(cell) == asked.cell]
        if not samples:
            say(f"there is no such cell: {asked.cell}")
            return 2
    else:
        samples = drawn(playable(), asked.samples, asked.seed)
    wanted = {(sample.policy, sample.story_name) for sample in samples}
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, lanes(Path(folder), wanted) as made:
        lab = next(iter(made.values())).lab
        say(f"{len(made)} lanes deployed in {time.monotonic() - began_s:.0f} s: {len(samples)} executions")
        ends, found = struck_if_possible(lab, made, samples, asked.side_by_side)
        denials, late = lab.denials(), late_invocations(lab)
    print(*report(ends, found, time.monotonic() - began_s), sep="\n")  # noqa: T201 - its output
    print(*(f"denied: {denial}" for denial in denials), sep="\n")  # noqa: T201
    if late:
        print(f"{len(late)} invocations ran out of time, so that more was struck than was asked for:", *late, sep="\n")  # noqa: T201
    too_few = struck_count(ends) < STRUCK_SHARE * sum(end.struck is not None for end in ends)
    return bool(any(found.values()) or denials or too_few)


def struck_if_possible(
    lab: Laboratory, made: Mapping[str, Lane], samples: Sequence[Sample], side_by_side: int
) -> tuple[list[Ended], dict[int, list[str]]]:
    """Run samples; those whose calls were too few to be struck run once more, the last call that there was struck."""
    ends = run(lab, made, samples, side_by_side, say)
    found = verdicts(lab, made, ends)
    missed = [end for end in ends if end.struck and not end.was_struck]
    if not missed:
        return ends, found
    say(f"{len(missed)} were not struck and run again")
    first = 1 + max(sample.number for sample in samples)
    again = [
        end.placed.sample.again(first + turn, max(1, end.struck.concerned_count if end.struck else 1))
        for turn, end in enumerate(missed)
    ]
    more = run(lab, made, again, side_by_side, say)
    found_more = verdicts(lab, made, more)
    nobodys = found[-1] + [each for each in found_more[-1] if not _of_before(each, ends)]
    replaced = [end for end in missed if not found[end.placed.sample.number]]
    return [end for end in ends if end not in replaced] + more, {**found, **found_more, -1: nobodys}


def _of_before(complaint: str, ends: Sequence[Ended]) -> bool:
    """Return whether a dead letter is one of an execution of the first run."""
    return any(text in complaint for end in ends for text in end.placed.about)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.matrix.on_the_cloud", description=__doc__)
    parser.add_argument("--samples", type=int, default=200, help="how many cells")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--side-by-side", type=int, default=25, help="how many executions are open at a time")
    parser.add_argument("--cell", help="one cell, by its name")
    return parser.parse_args(arguments)


def say(words: str) -> None:
    """Show progress."""
    print(words, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
