"""Findings as GitHub Actions takes them: notes at the lines of a change (workflow commands, `::error file=...`)."""

from collections.abc import Sequence
from typing import Final

from headway.validation.finding import Finding, Severity

_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(findings: Sequence[Finding]) -> str:
    """Return a command for each finding."""
    return "\n".join(_command(one) for one in findings)


def _command(one: Finding) -> str:
    fields = {"file": one.file, "line": str(one.line), "col": str(one.column), "title": one.rule}
    said = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in fields.items())
    return f"::{_COMMANDS[one.severity]} {said}::{_escaped(f'{one.why}; {one.fix}')}"


def _escaped(text: str, more: str = "") -> str:
    """Escape a text as the runner reads it (actions/toolkit, `command.ts`)."""
    for sign in f"%\r\n{more}":
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text
