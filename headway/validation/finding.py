"""What is wrong, where, why, and what to do about it: one type for the command line, synth, tests and hooks."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An `error` fails when it runs, or at deployment; a `warning` fails when something else does; a `note` may be
    meant.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in one file. Line and column count from 1; `state` is the name of the state that it is in, or ""."""

    file: str
    line: int
    column: int
    rule: str
    severity: Severity
    why: str
    fix: str
    state: str = ""
