"""What a run has to do for a line: what an earlier run came to in, the attempt to make out. Pure."""

from dataclasses import dataclass
from typing import NamedTuple

from headway.run.lines import InputLine


class Past(NamedTuple):
    """The latest record of a line: the attempt that it was (None: a line that could not be called), how it ended, and
    its execution's ARN where it has one.
    """

    attempt: int | None
    succeeded: bool
    execution: str | None


class Choice(NamedTuple):
    """The attempt to make; `failed` is the ARN of the one before, if it is to be looked at first: an operator may have
    redriven it.
    """

    attempt: int
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Todo:
    """A line that is to be called: where it stands in the input, and the attempt. Not its text."""

    number: int
    offset: int
    occurrence: int
    key: str
    vendor: str
    urgent: bool
    tenant: str | None
    attempt: int
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class LineAttempt:
    """One execution to start, or to take up if an interrupted run started it."""

    line: InputLine
    number: int
    failed: str | None = None


def choose(past: Past | None, *, again: bool) -> Choice | None:
    """Choose the attempt of a line; None where it has succeeded. `again` repeats also what had succeeded."""
    if past is None or past.attempt is None:
        return Choice(1)
    if past.succeeded and not again:
        return None
    if past.execution is None:  # it may have started unseen: the same name cannot start twice
        return Choice(past.attempt)
    return Choice(past.attempt + 1, failed=None if again else past.execution)
