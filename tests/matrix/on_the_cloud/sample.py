"""Cells of the matrix, drawn from a seed, as executions on the embedded cloud: each with its fault, a few with none."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any, Final

from headway_lane.contract.exchange import Ambiguity
from headway_lane.messages.identity import asked_by_call_vendor, call_id_of, group_of

from headway.cloud.faults import Fault as CloudFault
from tests.matrix.cells import Cell, cells
from tests.matrix.on_the_cloud.aim import aimed
from tests.matrix.on_the_cloud.lanes import KINDS, Lane, lane_name
from tests.matrix.stories import STORIES, Story

BYSTANDERS: Final = 10
"""One execution without a fault to so many with one."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One execution, by a number of its own: a story under a policy, with the cell that is to happen to it, or None.

    `ordinal` is which call of its kind is struck: the cell's own, but where an execution makes fewer here.
    """

    number: int
    policy: Ambiguity
    story_name: str
    cell: Cell | None
    ordinal: int = 0

    @property
    def story(self) -> Story:
        """Its story."""
        return STORIES[self.story_name]

    @property
    def lane_name(self) -> str:
        """The lane that it runs on."""
        return lane_name(self.policy, self.story_name)

    @property
    def name(self) -> str:
        """The name of its execution; none is a part of another."""
        return f"{self.story_name.replace(' ', '-')}-{self.number:04}"

    def again(self, number: int, ordinal: int) -> "Sample":
        """Return the same as another execution, with another call to be struck."""
        return replace(self, number=number, ordinal=ordinal)

    def __str__(self) -> str:
        return str(self.cell) if self.cell else f"{self.story_name} | {self.policy} | nothing fails"


@dataclass(frozen=True)
class Placed:
    """A sample on its lane."""

    sample: Sample
    lane: Lane

    @cached_property
    def execution_arn(self) -> str:
        """ARN of its execution."""
        machine = self.lane.published.call_vendor_machine_arn
        return f"{machine.replace(':stateMachine:', ':execution:', 1)}:{self.sample.name}"

    @cached_property
    def call_id(self) -> str:
        """ID of its call in the ledger."""
        machine = self.lane.published.call_vendor_machine_arn.rpartition(":")[2]
        return call_id_of(asked_by_call_vendor(self.execution_arn), group_of(None, machine))

    @property
    def about(self) -> tuple[str, str]:
        """The texts by which messages and events are known to be about it."""
        return self.sample.name, self.call_id

    @property
    def fault(self) -> CloudFault | None:
        """What is to go wrong, and where."""
        cell = self.sample.cell
        return aimed(cell.fault, self.lane, self.about, self.sample.ordinal) if cell else None

    def output_job_id(self, output: Any) -> str | None:
        """Return the job that an output is about; None where it is another call's result."""
        return str(output["job_id"]) if output["call_id"] == self.call_id else None


def playable() -> Iterator[Cell]:
    """Yield the cells of all stories that are played here."""
    for policy in Ambiguity:
        for story in KINDS:
            yield from cells(policy, story)


def drawn(pool: Iterable[Cell], count: int, seed: int) -> list[Sample]:
    """Draw so many cells of a pool, and bystanders beside them."""
    random, cells_of_pool = Random(seed), list(pool)  # noqa: S311 - to be repeated is the point
    samples = [sample_of(number, cell) for number, cell in enumerate(random.sample(cells_of_pool, count))]
    others = random.choices(cells_of_pool, k=count // BYSTANDERS)
    samples.extend(Sample(count + turn, cell.policy, cell.story, None) for turn, cell in enumerate(others))
    random.shuffle(samples)
    return samples


def sample_of(number: int, cell: Cell) -> Sample:
    """Return the sample of a cell."""
    return Sample(number, cell.policy, cell.story, cell, cell.fault.call.ordinal)
