"""The results file beside the input: one JSON object per line that ended, appended as it ends.

A line is whole or it is torn off at the end, and a torn one is written again by the next run: what it told is asked
of Step Functions once more. Of several records with one key the last one holds.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from headway_lane.ledger.record import CallState, since_attribute

from headway.errors import RunRefused

STARTED: Final = "started_epoch_ms"
FINISHED: Final = "finished_epoch_ms"
LEDGER_TIMES: Final = tuple(
    since_attribute(state)
    for state in (CallState.QUEUED, CallState.SENDING, CallState.ACCEPTED, CallState.ANSWERED, CallState.RESUMED)
)
TIMES: Final = (STARTED, *LEDGER_TIMES, FINISHED)
"""Start and end of the execution, and between them what the ledger says."""
_BLOCK_BYTES: Final = 1 << 16


class LineOutcome(StrEnum):
    """How a line ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the results file.

    `execution` is an ARN, None where nothing was started; `times` has names of TIMES.
    """

    line: int
    key: str
    attempt: int | None
    execution: str | None
    vendor: str | None
    outcome: LineOutcome
    output: Any
    error: str | None
    cause: str | None
    times: Mapping[str, int]

    def to_json(self) -> str:
        """Return the record as one line of JSON."""
        fields = {name: getattr(self, name) for name in _FIELDS}
        # In ASCII: an output may have halves of surrogate pairs, and line breaks that only Unicode knows.
        return json.dumps(fields | {name: self.times.get(name) for name in TIMES})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a line of the file; ValueError, KeyError or TypeError where it is none."""
        document = json.loads(text)
        fields = {name: document[name] for name in _FIELDS} | {"outcome": LineOutcome(document["outcome"])}
        return cls(**fields, times={name: document[name] for name in TIMES if document.get(name) is not None})


_FIELDS: Final = ("line", "key", "attempt", "execution", "vendor", "outcome", "output", "error", "cause")


def beside(source: Path, ending: str) -> Path:
    """Name a file beside the input: `a.jsonl` and `results.jsonl` make `a.results.jsonl`."""
    stem = source.name.removesuffix(".jsonl")
    return source.with_name(f"{stem}.{ending}")


def read_records(path: Path, offset: int = 0) -> Iterator[Record]:
    """Read the records from an offset on, one by one; a torn last line is passed over, a missing file is empty.

    Raises RunRefused where a line is none.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield Record.from_json(line.decode(errors="replace"))
            except (ValueError, KeyError, TypeError) as error:
                raise RunRefused(
                    f"{path}:{number}: not a record of a run; remove the line, or move the file away"
                ) from error


class ResultsFile:
    """The file, open for appending; a torn last line is cut off first. `began` is where this run's records begin."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+b")
        self.began = _whole_bytes(self._file)
        self._file.truncate(self.began)

    def append(self, record: Record) -> None:
        """Write a record so that it outlives this process."""
        self._file.write(record.to_json().encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _whole_bytes(file: BinaryIO) -> int:
    """Return where the last whole line ends; looked for from the end."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _BLOCK_BYTES)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
