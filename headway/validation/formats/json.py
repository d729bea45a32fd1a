"""Findings for programs: a list of objects with the fields of `Finding`."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from headway.validation.finding import Finding


def render(findings: Sequence[Finding]) -> str:
    """Return the list."""
    return json.dumps([asdict(one) for one in findings], indent=2, ensure_ascii=False)
