"""The results file beside the input: one JSON object per line that ended, appended as it ends.

A line is whole or it is torn off at the end, and a torn one is written again by the next run: what it told is asked
of Step Functions once more. Of several records with one key the last one holds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from headway_lane.ledger.record import CallState, since_attribute

from headway.errors import RunRefused

STARTED: Final = "started_epoch_ms"
FINISHED: Final = "finished_epoch_ms"
LEDGER_TIMES: Final = tuple(
    since_attribute(state)
    for state in (CallState.QUEUED, CallState.DISPATCHING, CallState.ACCEPTED, CallState.ANSWERED, CallState.RESUMED)
)
TIMES: Final = (STARTED, *LEDGER_TIMES, FINISHED)
"""Start and end of the execution, and between them what the ledger says."""


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


def load(path: Path) -> dict[str, Record]:
    """Return the latest record of every key; a torn last line is passed over, a missing file is empty."""
    try:
        whole, _, _ = path.read_text(encoding="utf-8", errors="replace").rpartition("\n")
    except FileNotFoundError:
        return {}
    records: dict[str, Record] = {}
    for number, text in enumerate(whole.split("\n") if whole else (), start=1):
        try:
            record = Record.from_json(text)
        except (ValueError, KeyError, TypeError) as error:
            raise RunRefused(
                f"{path}:{number}: not a record of a run; remove the line, or move the file away"
            ) from error
        records[record.key] = record
    return records


class ResultsFile:
    """The file, open for appending; a torn last line is cut off first."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+b")
        self._file.seek(0)
        whole, newline, _ = self._file.read().rpartition(b"\n")
        self._file.truncate(len(whole) + len(newline))

    def append(self, record: Record) -> None:
        """Write a record so that it outlives this process."""
        self._file.write(record.to_json().encode() + b"\n")
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
