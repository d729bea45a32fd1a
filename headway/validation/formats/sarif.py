"""Findings as SARIF 2.1.0 (OASIS), which code hosts and editors take in."""

import json
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from headway.validation.catalogue import catalogue
from headway.validation.finding import Finding

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def render(findings: Sequence[Finding]) -> str:
    """Return a log of one run."""
    rules = sorted({one.rule for one in findings})
    driver = {
        "name": "headway validate",
        "version": metadata.version("headway"),
        "rules": [_rule(one) for one in rules],
    }
    results = [_result(one, rules.index(one.rule)) for one in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(name: str) -> dict[str, Any]:
    rule = catalogue()[name]
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": str(rule.severity)},
    }


def _result(one: Finding, index: int) -> dict[str, Any]:
    region = {"startLine": one.line, "startColumn": one.column}
    place = {"physicalLocation": {"artifactLocation": {"uri": _uri(one.file)}, "region": region}}
    logical = {"logicalLocations": [{"name": one.state, "kind": "element"}]} if one.state else {}
    return {
        "ruleId": one.rule,
        "ruleIndex": index,
        "level": str(one.severity),
        "message": {"text": f"{one.why}; {one.fix}"},
        "locations": [{**place, **logical}],
    }


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
