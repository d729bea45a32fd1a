"""Both interpreters over all machines, and where they differ.

Out: differences by machine, and the kinds of event that one of them never writes.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from moto import mock_aws

from headway.testing.kit.interpreter import REGION
from tests.interpreters.runs import MACHINES, Run

KNOWN = Path(__file__).parent / "known_differences.yaml"
SIDES = ("ministack", "moto")


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs: machine -> lines that one of the two has alone, and kinds of event that one has alone."""

    machines: Mapping[str, Sequence[str]]
    kinds: Sequence[str]

    def table(self, rows: Any) -> Any:
        """Return them as the table of known ones; what `rows`, the table until now, says of each, is kept."""
        unknown = {"aws": "?", "witness": "?"}
        return {
            part: {
                name: {**rows[part].get(name, unknown), **({"lines": list(lines)} if lines else {})}
                for name, lines in found.items()
            }
            for part, found in (("kinds", dict.fromkeys(self.kinds)), ("machines", self.machines))
        }


def observed() -> Differences:
    """Run every machine on both interpreters."""
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        for side in SIDES:
            dynamodb.create_table(
                TableName=f"items-{side}",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        first, second = ([Run(machine, side, dynamodb).trace() for machine in MACHINES] for side in SIDES)
    written = [{_kind(line) for trace in side for line in trace} for side in (first, second)]
    alone = {
        kind: side
        for side, own, others in zip(SIDES, written, reversed(written), strict=True)
        for kind in own - others
        if kind[0].isupper()
    }
    differing = {
        machine["name"]: lines
        for machine, *both in zip(MACHINES, first, second, strict=True)
        if (lines := _difference(machine, *([line for line in trace if _kind(line) not in alone] for trace in both)))
    }
    return Differences(differing, sorted(f"{side}: {kind}" for kind, side in alone.items()))


def known() -> Any:
    """Return the table of known differences: what differs, whose way is AWS's, and how that is known."""
    return yaml.safe_load(KNOWN.read_text()) if KNOWN.exists() else {"kinds": {}, "machines": {}}


def _kind(line: str) -> str:
    return line.split(" ")[0]


def _difference(machine: Any, first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Return the lines that one has and the other has not; where branches run side by side, order means nothing."""
    if any(each in str(machine["states"]) for each in ("Branches", "ItemProcessor")):
        first, second = sorted(first), sorted(second)
    marks = {"- ": SIDES[0], "+ ": SIDES[1]}
    return [f"{marks[line[:2]]}: {line[2:]}" for line in difflib.ndiff(first, second) if line[:2] in marks]
