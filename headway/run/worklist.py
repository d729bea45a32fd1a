"""What a run has to do: the lines of the file and the records of earlier runs in, the attempts to make out. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headway.run.lines import InputLine
from headway.run.results import LineOutcome, Record


@dataclass(frozen=True, slots=True)
class LineAttempt:
    """One execution to start, or to take up if an interrupted run started it.

    `failed` is the ARN of the attempt before, if it is to be looked at first: an operator may have redriven it.
    """

    line: InputLine
    number: int
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Worklist:
    """Attempts to make, and the lines that have succeeded already."""

    attempts: tuple[LineAttempt, ...]
    skipped: tuple[InputLine, ...]


def choose(lines: Iterable[InputLine], past: Mapping[str, Record], *, again: bool) -> Worklist:
    """Choose the attempt of every line; `again` repeats also what had succeeded."""
    attempts: list[LineAttempt] = []
    skipped: list[InputLine] = []
    for line in lines:
        record = past.get(line.key)
        if record is None or record.attempt is None:
            attempts.append(LineAttempt(line, 1))
        elif record.outcome is LineOutcome.SUCCEEDED and not again:
            skipped.append(line)
        elif record.execution is None:  # it may have started unseen: the same name cannot start twice
            attempts.append(LineAttempt(line, record.attempt))
        else:
            attempts.append(LineAttempt(line, record.attempt + 1, failed=None if again else record.execution))
    return Worklist(tuple(attempts), tuple(skipped))


def execution_name(key: str, attempt: int) -> str:
    """Name an execution; the name is also the call ID in the ledger."""
    return f"hw-{key}-{attempt}"
