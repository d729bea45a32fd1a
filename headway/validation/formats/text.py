"""Findings for people: a line each, as compilers write them."""

from collections.abc import Sequence

from headway.validation.finding import Finding


def render(findings: Sequence[Finding]) -> str:
    """Return a line for each finding: place, severity, rule, why, and what to do."""
    return "\n".join(line_of(one) for one in findings)


def line_of(one: Finding) -> str:
    """Return the line of a finding."""
    place = f"{one.file}:{one.line}:{one.column}"
    return f"{place}: {one.severity} {one.rule}: {one.why}; {one.fix}"
