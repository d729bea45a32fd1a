"""The cells of the matrix: whatever call a run without a fault makes, in each way that it may fail."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import Final

from headway_lane.contract.exchange import Ambiguity

from tests.matrix.driver import Driver
from tests.matrix.faults import Call, Fault
from tests.matrix.invariants import violations
from tests.matrix.stories import STORIES

QUICK_PART: Final = 3
"""`make test` has a minute for everything of this kind: one cell of so many, of those that one policy gets."""
QUICK_STORY: Final = next(iter(STORIES))


@dataclass(frozen=True, slots=True)
class Cell:
    """One call of one story under one policy, failing in one way."""

    policy: Ambiguity
    story: str
    fault: Fault

    @property
    def row(self) -> str:
        """Name it without its story."""
        return f"{self.policy} | {self.fault.call} | {self.fault.kind}"

    def __str__(self) -> str:
        return f"{self.story} | {self.row}"

    def violations(self) -> list[str]:
        """Run it; return what it breaks."""
        return violations(quietly(Driver(self.policy, STORIES[self.story], self.fault)))


def quietly(driver: Driver) -> Driver:
    """Run without the functions' logs."""
    with contextlib.redirect_stdout(io.StringIO()):
        return driver.run()


@cache
def recorded(policy: Ambiguity, story: str) -> tuple[Call, ...]:
    """Return the calls of a story where nothing fails."""
    return tuple(quietly(Driver(policy, STORIES[story])).recording.calls)


def cells(policy: Ambiguity, story: str) -> Iterator[Cell]:
    """Yield the cells of a story under a policy. A read fails in the first story that makes it."""
    before = {call for name in takewhile(lambda name: name != story, STORIES) for call in recorded(policy, name)}
    for call in recorded(policy, story):
        if not (call.reads and call in before):
            for kind in call.kinds:
                yield Cell(policy, story, Fault(call, kind))


def quick_cells() -> Sequence[Cell]:
    """Return a part of one story's cells, under the three policies in turn: every third of each."""
    policies = list(Ambiguity)
    return [
        cell
        for turn, policy in enumerate(policies)
        for number, cell in enumerate(cells(policy, QUICK_STORY))
        if number % (QUICK_PART * len(policies)) == turn
    ]
